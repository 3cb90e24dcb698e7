"""One frame of a video with all that belongs to it, what goes wrong with videos, and PyAV if it is there."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.packet import Packet


class VideoError(ValueError):
    """A video that cannot be read or written; the message is one line and goes after the file's name."""


def library() -> Any:
    """PyAV, which comes with the extra "video"."""
    try:
        import av
    except ImportError:
        raise VideoError("needs PyAV for videos; run: pip install 'fastportrait[video]'") from None
    return av


@dataclass
class Shot:
    """One frame and all that came before it in the file."""

    frame: NDArray[np.uint8]
    """(H, W, 3) RGB, upright, sRGB."""
    deep: NDArray[np.uint16] | None
    """(H, W, 3), the file's own signal at more than 8 bits, where it has them and they were asked for."""
    alpha: NDArray[Any] | None
    """(H, W), uint8 or uint16 as the file has it, where it has transparency."""
    pts: int
    """When it is shown, in `time_base`s of its video."""
    duration: int
    """How long, in the same; 0 where the file does not say."""
    concealed: bool
    """It could not be decoded, so this is the one before."""
    packets: list["Packet[Any]"] = field(default_factory=list)
    """Of sound and subtitles."""
