"""Which way is up: a video's display matrix undone, quarter turns and mirrors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Turn:
    swap: bool = False
    """Rows become columns; before the mirrors."""
    left_right: bool = False
    top_bottom: bool = False

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """(H, W) or (H, W, C), as stored -> upright."""
        if self.swap:
            pixels = cv2.transpose(pixels)
        if self.left_right or self.top_bottom:
            pixels = cv2.flip(pixels, -1 if self.left_right and self.top_bottom else int(self.left_right))
        return pixels


def turn_of(frame: "VideoFrame") -> Turn:
    """What the frame's display matrix asks for, to the nearest quarter."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return Turn()
    data: Any = found
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()  # x' = ax + cy, y' = bx + dy
    if abs(a) >= abs(b):
        return Turn(False, a < 0, d < 0)
    return Turn(True, c < 0, b < 0)
