"""The person on something else: transparent, a colour, a picture, or their own background out of focus.

At an edge the camera mixed two colours: image = alpha F + (1 - alpha) B. Put on a new background as it is,
the old one shines through as a halo, so F is estimated first: F and B are means of what is surely theirs
nearby, then what the mixture leaves unexplained is given back to them, and again in a smaller window, as in
M. Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, https://arxiv.org/abs/2006.14970.

Differs from the paper: the means are taken on a small grid, and only the last step is done at full size;
the windows shrink in four passes, not two; a pixel counts by a power of its alpha, so that half-seen ones
say little; the rest is shared between F and B by least squares, where the paper gives it to F.
docs/edges.md compares.
"""

from collections.abc import Iterator
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .transform import resize

Picture = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Background = tuple[int, int, int] | Picture | Literal["blur"]

GRID = 384
"""Pixels along the shorter side of the grid on which colours are averaged."""
RADII = (32, 8, 3, 1)
"""Of the windows that colours are averaged in, pass by pass, in pixels of the grid."""
SURE = 3
"""A pixel counts as foreground by alpha to this power, as background by (1 - alpha) to it."""
DOUBT = 0.02
"""How little of the unexplained rest is not believed: where alpha is wrong it is the other one's colour."""
BLUR = 0.025
"""Of the background, as a standard deviation, in shorter sides of the photo."""
TILE = 96


def cutout(image: Picture, alpha: Alpha) -> Picture:
    """(H, W, 3) RGB, (H, W) in [0, 1] -> (H, W, 4): straight alpha, edge colours without the background.

    Where nobody is near, the hidden colour is black: what was behind is not kept.
    Raises `ValueError` where the shapes do not fit.
    """
    return np.asarray(cv2.merge([foreground(image, alpha), _eight_bits(alpha)]), np.uint8)


def foreground(image: Picture, alpha: Alpha) -> Picture:
    """(H, W, 3) RGB, (H, W) in [0, 1] -> (H, W, 3): the person's own colours.

    That is the image where alpha is 1, an estimate where it is less, black where nobody is near.
    Raises `ValueError` where the shapes do not fit.
    """
    _check(image, alpha)
    result = np.zeros_like(image)
    for where, colours, _ in _tiles(image, alpha):
        result[where] = colours
    return result


def composite(image: Picture, alpha: Alpha, background: Background) -> Picture:
    """(H, W, 3) RGB, (H, W) in [0, 1] -> (H, W, 3): the person on `background`.

    That is an (r, g, b) colour, an (h, w, 3) uint8 picture, which is scaled to cover the frame and cropped
    about its middle, or "blur". Raises `ValueError` for any other, and where the shapes do not fit.
    """
    _check(image, alpha)
    result = _behind(image, alpha, background)
    for where, colours, tile in _tiles(image, alpha):
        if tile is None:
            result[where] = colours
        else:
            behind = result[where].astype(np.float32)
            behind += _three(tile) * (colours - behind)
            np.rint(behind, out=result[where], casting="unsafe")
    return result


def _check(image: Picture, alpha: Alpha) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"image is {image.shape} {image.dtype}; it must be (H, W, 3) uint8")
    if alpha.shape != image.shape[:2]:
        raise ValueError(
            f"alpha is {alpha.shape}, its image {image.shape[:2]}: refine the mask to the image's size"
        )


def _eight_bits(alpha: Alpha) -> Picture:
    return np.asarray(cv2.convertScaleAbs(alpha, alpha=255), np.uint8)


# --- foreground colours


def _tiles(image: Picture, alpha: Alpha) -> Iterator[tuple[tuple[slice, slice], Picture, Alpha | None]]:
    """Every tile that is not empty: where it is, its foreground colours, its alpha (None: all is 1)."""
    height, width = alpha.shape
    visible = _eight_bits(alpha)
    colours = None
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            where = (slice(y, y + TILE), slice(x, x + TILE))
            if not visible[where].any():
                continue
            if visible[where].min() == 255:
                yield where, image[where], None
                continue
            if colours is None:
                colours = _smooth_colours(image, alpha)
            yield where, _unmix(image[where], alpha[where], *_crop(colours, where, alpha.shape)), alpha[where]


def _smooth_colours(image: Picture, alpha: Alpha) -> tuple[Alpha, Alpha]:
    """F and B on the grid, (h, w, 3) in 0..255: means of what is surely theirs, in ever smaller windows."""
    height, width = alpha.shape
    scale = min(1, GRID / min(height, width))
    grid = (max(1, round(height * scale)), max(1, round(width * scale)))
    small, share = resize(image, grid).astype(np.float32), resize(alpha, grid)
    return smooth_colours(small, share, RADII)


def smooth_colours(small: Alpha, share: Alpha, radii: tuple[int, ...]) -> tuple[Alpha, Alpha]:
    """F and B of a small picture, (h, w, 3) in 0..255, with its alpha: windows of `radii`, pass by pass."""
    front, back, sure = small, small, _three(share)
    least = np.float32(1e-7)
    for radius in radii:
        front, back = (
            _mean(front, share**SURE + least, radius),
            _mean(back, (1 - share) ** SURE + least, radius),
        )
        rest = unexplained(small, share, front, back)
        front, back = np.clip(front + sure * rest, 0, 255), np.clip(back + (1 - sure) * rest, 0, 255)
        least = np.float32(1e-4)  # from now on there is something better than the image to fall back on
    return front, back


def _mean(colours: Alpha, weight: Alpha, radius: int) -> Alpha:
    """The mean of `colours`, (h, w, 3), weighted by `weight`, (h, w), in the window around every pixel."""
    total = _box(colours * _three(weight), 2 * radius + 1)
    return np.divide(total, _three(_box(weight, 2 * radius + 1)), dtype=np.float32)


def _box(plane: Alpha, side: int) -> Alpha:
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)


def _three(plane: Alpha) -> Alpha:
    """(h, w) -> (h, w, 3): what NumPy would broadcast, several times faster."""
    return np.asarray(cv2.merge([plane, plane, plane]), np.float32)


def unexplained(image: Alpha, alpha: Alpha, front: Alpha, back: Alpha) -> Alpha:
    """What front, back and alpha leave unexplained of `image`, over the squares of their shares."""
    share: Alpha = alpha * alpha + (1 - alpha) * (1 - alpha) + np.float32(DOUBT)
    return (image - back - _three(alpha) * (front - back)) * _three(np.reciprocal(share))


def _unmix(image: Picture, alpha: Alpha, front: Alpha, back: Alpha) -> Picture:
    """Foreground colours of one tile; the image itself where alpha is 1."""
    front += _three(alpha) * unexplained(image.astype(np.float32), alpha, front, back)
    colours = np.rint(np.clip(front, 0, 255)).astype(np.uint8)
    np.copyto(colours, image, where=(alpha >= 1)[..., None])
    return colours


def _crop(planes: tuple[Alpha, Alpha], where: tuple[slice, slice], size: tuple[int, ...]) -> Iterator[Alpha]:
    """That part of the photo, of `size`, out of planes on the grid: bilinear, half-pixel centred."""
    at = []
    for span, length, cells in zip(where, size, planes[0].shape, strict=False):
        pixels = np.arange(span.start, min(span.stop, length), dtype=np.float32)
        at.append((pixels + np.float32(0.5)) * np.float32(cells / length) - np.float32(0.5))
    columns, rows = np.meshgrid(at[1], at[0])
    for plane in planes:
        part = cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(part, np.float32)


# --- backgrounds


def _behind(image: Picture, alpha: Alpha, background: Background) -> Picture:
    """A new (H, W, 3) picture of what lies behind the person."""
    if isinstance(background, str):
        if background != "blur":
            raise ValueError(
                f"background is {background!r}; it must be 'blur', an (r, g, b) colour or a picture"
            )
        return blurred(image, alpha)
    picture = np.asarray(background)
    if picture.shape == (3,) and (picture >= 0).all() and (picture <= 255).all():
        row = np.tile(picture.astype(np.uint8), (image.shape[1], 1))
        flat = np.empty_like(image)
        flat[:] = row  # row by row: ten times faster than colour by colour
        return flat
    if picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8 and picture.size:
        return _cover(picture, image.shape[0], image.shape[1])
    raise ValueError(
        f"background is {picture.shape} {picture.dtype}; it must be 'blur', an (r, g, b) colour in 0..255 "
        "or an (h, w, 3) uint8 picture"
    )


def _cover(picture: Picture, height: int, width: int) -> Picture:
    """The largest part about the middle that has the proportions asked for, resized to (height, width, 3)."""
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (picture.shape[0] - h) // 2, (picture.shape[1] - w) // 2
    part = picture[top : top + h, left : left + w]
    return part.copy() if (h, w) == (height, width) else np.asarray(resize(part, (height, width)), np.uint8)


def blurred(image: Picture, alpha: Alpha) -> Picture:
    """The background out of focus, nothing of the person in it: a blur of the rest, over its weight."""
    height, width = alpha.shape
    scale = min(1, 256 / min(height, width))
    grid = (max(1, round(height * scale)), max(1, round(width * scale)))
    wide = cv2.dilate(
        resize(alpha, grid), np.ones((5, 5), np.uint8)
    )  # an edge is never exactly where alpha ends
    weight = np.maximum(0, 1 - np.float32(10) * wide)
    if not weight.any():  # all person: nothing of this will be seen
        weight = np.ones_like(weight)
    both = np.dstack([resize(image, grid).astype(np.float32) * _three(weight), weight])
    sigma = BLUR * min(grid)
    total = np.asarray(cv2.GaussianBlur(both, (0, 0), max(0.3, sigma)), np.float32)
    for step in (1, 2, 3):  # wider ones only count where all else is person
        total += np.float32(1e-3**step) * _box(both, 2 * round(sigma * 3**step) + 1)
    blurred = total[..., :3] / np.maximum(total[..., 3:], np.float32(1e-20))
    return np.asarray(resize(np.clip(np.rint(blurred), 0, 255).astype(np.uint8), (height, width)), np.uint8)
