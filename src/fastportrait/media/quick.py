"""Composing for video: what compose.py does for a photo, at a fraction of the time.

The same colours, worked out on a coarser grid and only around the edge, then applied to nothing but the
pixels of the edge: what is surely person or surely background is copied as it is.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import compose

Plane = NDArray[np.float32]
Colours = NDArray[np.uint8] | NDArray[np.uint16]

GRID = 150
"""Pixels along the shorter side, at most, of the grid on which colours are averaged; a photo's has 384.

It is the frame, halved again and again, which costs next to nothing."""
RADII = (8, 3, 1)
"""Of the windows that colours are averaged in, in pixels of that grid."""
NONE, ALL = 3, 252
"""Alpha in 0..255 from where on it is a mixture: most of an edge is nearer to 0 or 255, unseen."""
ROW = 1024
"""Points in a row of what OpenCV is given: it takes no side beyond 32767."""


class Points(NamedTuple):
    flat: NDArray[np.int64]
    """Their places in the picture, counted row by row."""
    rows: Plane
    """Where they lie in a part of a grid, half-pixel centred."""
    columns: Plane


def _half(plane: Any, half: tuple[int, int]) -> Any:
    return cv2.resize(plane, half, interpolation=cv2.INTER_AREA)


def _rectangle(band: NDArray[np.uint8], grid: tuple[int, ...], margin: int) -> tuple[slice, slice]:
    """The part of the grid that all of the band lies in, widened by `margin` on every side."""
    x, y, width, height = cv2.boundingRect(band)
    spans = []
    for start, length, cells, pixels in (
        (y, height, grid[0], band.shape[0]),
        (x, width, grid[1], band.shape[1]),
    ):
        first, last = start * cells // pixels, (start + length - 1) * cells // pixels
        spans.append(slice(max(0, first - margin), last + 1 + margin))
    return spans[0], spans[1]


def _points(band: NDArray[np.uint8], grid: tuple[int, ...], part: tuple[slice, slice]) -> Points:
    """The pixels of `band` that are not 0, and where they lie in `part` of a grid over the whole picture."""
    found = np.asarray(cv2.findNonZero(band), np.int32).reshape(-1, 2)
    x, y = found[:, 0], found[:, 1]
    half = np.float32(0.5)
    rows = (y + half) * np.float32(grid[0] / band.shape[0]) - np.float32(part[0].start + 0.5)
    columns = (x + half) * np.float32(grid[1] / band.shape[1]) - np.float32(part[1].start + 0.5)
    return Points(y * np.int64(band.shape[1]) + x, rows.astype(np.float32), columns.astype(np.float32))


def _sample(plane: Plane, points: Points) -> Plane:
    """(h, w, C) at the points, bilinear -> (N, C)."""
    count = len(points.flat)
    maps = [np.zeros((-(-count // ROW), ROW), np.float32) for _ in range(2)]
    for map_, values in zip(maps, (points.columns, points.rows), strict=True):
        map_.reshape(-1)[:count] = values
    found = cv2.remap(plane, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(-1, plane.shape[2])[:count]


def _take(image: Colours, points: Points) -> Plane:
    """The picture's colours at the points, (N, 3)."""
    return image.reshape(-1, 3).take(points.flat, 0).astype(np.float32)


def composite(image: Colours, alpha: Plane, behind: Colours) -> Colours:
    """(H, W, 3), (H, W) in [0, 1] -> (H, W, 3): the person on `behind`, (H, W, 3), edge colours cleaned."""
    result = behind.copy()
    share = _eight_bits(alpha)
    cv2.copyTo(image, cv2.inRange(share, ALL + 1, 255), result)
    for points, colours in _edge(image, alpha, share):
        back = _take(result, points)
        back += alpha.reshape(-1).take(points.flat)[:, None] * (colours - back)
        result.reshape(-1, 3)[points.flat] = np.rint(back)
    return result


def cutout(image: Colours, alpha: Plane) -> tuple[Colours, NDArray[np.uint8]]:
    """(H, W, 3), (H, W) in [0, 1] -> the person's own colours, black where nobody is, and alpha in 0..255."""
    share = _eight_bits(alpha)
    result = np.zeros_like(image)
    cv2.copyTo(image, cv2.inRange(share, ALL + 1, 255), result)
    for points, colours in _edge(image, alpha, share):
        result.reshape(-1, 3)[points.flat] = np.rint(colours)
    return result, share


def _eight_bits(alpha: Plane) -> NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(alpha, alpha=255), np.uint8)


def _edge(image: Colours, alpha: Plane, share: NDArray[np.uint8]) -> Iterator[tuple[Points, Plane]]:
    """The pixels that are part person and part background, and the person's colours in them, (N, 3)."""
    band = np.asarray(cv2.inRange(share, NONE, ALL), np.uint8)
    if not cv2.countNonZero(band):
        return
    grid_image, cover = image, alpha
    while min(cover.shape) > GRID and min(cover.shape) > 1:
        half = (cover.shape[1] // 2, cover.shape[0] // 2)
        grid_image, cover = _half(grid_image, half), _half(cover, half)
    part = _rectangle(band, cover.shape, sum(RADII) + 1)
    scale8 = np.float32(255 / np.iinfo(image.dtype).max)
    small = np.asarray(grid_image[part], np.float32) * scale8
    front, back = compose.smooth_colours(small, np.ascontiguousarray(cover[part]), RADII)
    points = _points(band, cover.shape, part)
    both = _sample(np.dstack([front, back]), points)[:, None]
    front, back, here = both[..., :3], both[..., 3:], alpha.reshape(-1).take(points.flat)[:, None]
    seen = _take(image, points)[:, None] * scale8
    colours = front + here[..., None] * compose.unexplained(seen, here, front, back)
    yield points, np.asarray(np.clip(colours[:, 0], 0, 255) / scale8, np.float32)
