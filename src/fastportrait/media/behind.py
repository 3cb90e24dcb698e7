"""What lies behind the person in a video: a colour, a picture, a blur, or another video that goes along."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import compose, transform
from . import hdr
from .colours import Curve
from .videos import Video

Array8 = NDArray[np.uint8]
Colour = tuple[int, int, int]
Choice = Colour | Array8 | Path | str
"""An (r, g, b) colour, an (h, w, 3) picture, a video's path, or "blur"."""


class Behind(Protocol):
    def __call__(self, pixels: NDArray[Any], alpha: NDArray[np.float32], seconds: float) -> NDArray[Any]:
        """What to put behind a frame, (H, W, 3), at that time since the start: (H, W, 3) of the same kind."""
        ...


def behind(choice: Choice, size: tuple[int, int], *, deep: bool = False, curve: Curve = "sdr") -> Behind:
    """For frames of (height, width), uint8, or uint16 of that curve if `deep`. Raises ValueError, OSError."""
    suit = _suit(deep, curve)
    if isinstance(choice, str):
        if choice != "blur":
            raise ValueError(f"background is {choice!r}; it must be 'blur', a colour, a picture or a video")
        return _blur
    if isinstance(choice, Path):
        return _Film(choice, size, suit)
    picture = np.asarray(choice, np.uint8)
    still = suit(cover(picture if picture.ndim == 3 else picture.reshape(1, 1, 3), size))
    return lambda pixels, alpha, seconds: still


def _suit(deep: bool, curve: Curve) -> Callable[[Array8], NDArray[Any]]:
    if not deep:
        return lambda picture: picture
    if curve == "sdr":
        return lambda picture: picture.astype(np.uint16) * np.uint16(257)
    return lambda picture: hdr.from_sdr(picture, curve)


def _blur(pixels: NDArray[Any], alpha: NDArray[np.float32], seconds: float) -> NDArray[Any]:
    if pixels.dtype == np.uint8:
        return compose.blurred(pixels, alpha)
    return compose.blurred((pixels >> 8).astype(np.uint8), alpha).astype(np.uint16) * np.uint16(257)


def cover(picture: Array8, size: tuple[int, int]) -> Array8:
    """The largest part about the middle that has the proportions of (height, width), at that size."""
    height, width = size
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (picture.shape[0] - h) // 2, (picture.shape[1] - w) // 2
    return np.ascontiguousarray(transform.resize(picture[top : top + h, left : left + w], size))


def _endless(path: Path) -> Iterator[tuple[float, Array8]]:
    """Each frame of a video with the second at which it is first shown; after the last the first again."""
    passed = 0.0
    while True:
        with Video(path, deep=False) as video:
            step, first, end = round(1 / (video.rate * video.time_base)), None, passed
            for shot in video:
                first = shot.pts if first is None else first
                start = passed + float((shot.pts - first) * video.time_base)
                end = start + float(max(1, shot.duration or step) * video.time_base)
                yield start, shot.frame
            passed = end


class _Film:
    """A video that goes along, from its start again when it ends."""

    def __init__(self, path: Path, size: tuple[int, int], suit: Callable[[Array8], NDArray[Any]]) -> None:
        self._size, self._suit, self._frames = size, suit, _endless(path)
        self._next = next(self._frames)  # raises here where it is no video
        self._shown = self._suit(cover(self._next[1], size))

    def __call__(self, pixels: NDArray[Any], alpha: NDArray[np.float32], seconds: float) -> NDArray[Any]:
        found = None
        while self._next[0] <= seconds:
            found = self._next[1]
            self._next = next(self._frames)
        if found is not None:
            self._shown = self._suit(cover(found, self._size))
        return self._shown
