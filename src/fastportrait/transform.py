"""Frame to network input and back, edge on edge: the mask is not shifted by any part of a pixel.

OpenCV's INTER_AREA and INTER_LINEAR both hold the picture's outer edges fixed (half-pixel centres), so a mask
made at any size lies exactly over its frame once it is resized to it. Letterboxes keep that: the picture
fills whole pixels of the network's input, so the way back is a crop, then a resize, with nothing to round.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SQUASH = inf
"""Fill the network's input, whatever that does to the proportions."""
LETTERBOX = 1.0
"""Keep the proportions and fill up with the picture's border."""


@dataclass(frozen=True)
class Place:
    """Where the picture lies in the network's input, in whole pixels of it."""

    top: int
    left: int
    height: int
    width: int


def place(frame: tuple[int, int], network: tuple[int, int], stretch: float = SQUASH) -> Place:
    """A frame of (height, width) in a network's input of (height, width).

    `stretch` >= 1 is how far the proportions may be changed to fill the input, SQUASH and LETTERBOX its ends:
    at 1.33 a 3:4 portrait still fills a square, and a 9:16 one leaves a quarter of it to borders.
    """
    if stretch < 1:
        raise ValueError(f"stretch is {stretch}; 1 keeps the proportions, more may change them")
    height, width = network
    taller = (frame[0] / frame[1]) / (height / width)  # > 1: the frame is taller than the input
    inner_width = max(1, round(width * min(1.0, stretch / taller)))
    inner_height = max(1, round(height * min(1.0, stretch * taller)))
    return Place((height - inner_height) // 2, (width - inner_width) // 2, inner_height, inner_width)


def to_network(
    frame: NDArray[np.uint8], size: tuple[int, int], stretch: float = SQUASH
) -> tuple[NDArray[np.float32], Place]:
    """(H, W, 3) uint8 -> (1, 3, h, w) float32 in [0, 1] and where in it the frame lies."""
    where = place((frame.shape[0], frame.shape[1]), size, stretch)
    small = resize(frame, (where.height, where.width))
    if (where.height, where.width) != size:
        below, right = size[0] - where.top - where.height, size[1] - where.left - where.width
        small = cv2.copyMakeBorder(small, where.top, below, where.left, right, cv2.BORDER_REPLICATE)
    image = np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32)
    image /= 255
    return image, where


def from_network(alpha: NDArray[np.float32], where: Place) -> NDArray[np.float32]:
    """(1, 1, h, w) -> the frame's part of it, (h', w'); `resize` it to the frame."""
    inner = alpha[0, 0, where.top : where.top + where.height, where.left : where.left + where.width]
    return np.ascontiguousarray(inner)


def resize(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """(H, W) or (H, W, C) to (height, width): area average where it shrinks, linear where it grows.

    Halved first while much too large, which OpenCV does with vector instructions: 12 megapixels to 256 x 256
    in 12 ms, in one step 33.
    """
    height, width = size
    while all(n % 2 == 0 and n >= 4 * m for n, m in zip(pixels.shape, size, strict=False)):
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        pixels = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA)
    smaller = (min(width, pixels.shape[1]), min(height, pixels.shape[0]))
    if smaller != (pixels.shape[1], pixels.shape[0]):
        pixels = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    if smaller != (
        width,
        height,
    ):  # also where one side grows and the other shrinks: INTER_AREA cannot do both
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return pixels
