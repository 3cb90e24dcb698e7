"""The person on something else: transparent, a colour, a picture, or their own background out of focus.

At an edge the camera mixed two colours: image = alpha F + (1 - alpha) B. Put on a new background as it is, the old one
shines through as a halo, so F is estimated first: both F and B as the mean of what is surely theirs nearby, then what
the mixture leaves unexplained is shared out between them, as in M. Forte, "Approximate Fast Foreground Colour
Estimation", ICIP 2021, https://arxiv.org/abs/2006.14970.

Differs from the paper: the means are taken on a small grid, near ones counting far more than distant ones (the paper
has two fixed windows, at full size); a pixel counts by a power of its alpha, so that half-seen ones say little; the
rest is shared between F and B by least squares (eq. 7 gives all of it to F). docs/edges.md compares.
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
RADII = (1, 4, 16, 64)
"""Of the windows around a pixel, in pixels of the grid; each counts FAR times the one before."""
FAR = 0.03
SURE = 4
"""A pixel counts as foreground by alpha to this power, as background by (1 - alpha) to it."""
DOUBT = 0.3
"""How little of the unexplained rest is believed: alpha is an estimate too."""
BLUR = 0.025
"""Of the background, as a standard deviation, in shorter sides of the photo."""
TILE = 256


def cutout(image: Picture, alpha: Alpha) -> Picture:
    """(H, W, 3) RGB, (H, W) in [0, 1] -> (H, W, 4): straight alpha, and the person's colours up to the last hair.

    Of what was behind nothing is kept. Raises `ValueError` where the shapes do not fit.
    """
    return np.dstack([foreground(image, alpha), _eight_bits(alpha)])


def foreground(image: Picture, alpha: Alpha) -> Picture:
    """(H, W, 3) RGB, (H, W) in [0, 1] -> (H, W, 3): the image where alpha is 1, its colour without the background at
    the edge, black where nobody is near. Raises `ValueError` where the shapes do not fit."""
    _check(image, alpha)
    result = np.zeros_like(image)
    for where, colours, _ in _tiles(image, alpha):
        result[where] = colours
    return result


def composite(image: Picture, alpha: Alpha, background: Background) -> Picture:
    """(H, W, 3) RGB, (H, W) in [0, 1] -> (H, W, 3): the person on `background`.

    That is an (r, g, b) colour, an (h, w, 3) uint8 picture, which is scaled to cover the frame and cropped at its
    middle, or "blur". Raises `ValueError` for any other, and where the shapes do not fit.
    """
    _check(image, alpha)
    result = _behind(image, alpha, background)
    for where, colours, tile in _tiles(image, alpha):
        if tile is None:
            result[where] = colours
        else:
            behind = result[where].astype(np.float32)
            behind += tile[..., None] * (colours - behind)
            result[where] = np.rint(behind)
    return result


def _check(image: Picture, alpha: Alpha) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"image is {image.shape} {image.dtype}; it must be (H, W, 3) uint8")
    if alpha.shape != image.shape[:2]:
        raise ValueError(f"alpha is {alpha.shape}, its image {image.shape[:2]}: refine the mask to the image's size")


def _eight_bits(alpha: Alpha) -> Picture:
    return np.asarray(cv2.convertScaleAbs(alpha, alpha=255), np.uint8)


# --- foreground colours


def _tiles(image: Picture, alpha: Alpha) -> Iterator[tuple[tuple[slice, slice], Picture, Alpha | None]]:
    """Every tile that is not empty: where it is, its foreground colours, its alpha (None where all of it is 1)."""
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
    """F and B on the grid, (h, w, 3) each in 0..255: the means of what is surely theirs, near before far."""
    height, width = alpha.shape
    scale = min(1, GRID / min(height, width))
    grid = (max(1, round(height * scale)), max(1, round(width * scale)))
    small, share = resize(image, grid).astype(np.float32), resize(alpha, grid)
    front, back = small, small
    for radii in (RADII, RADII[:2]):
        front, back = _nearby(front, share**SURE, radii), _nearby(back, (1 - share) ** SURE, radii)
        front, back = _share_rest(small, share[..., None], front, back)
    return _nearby(front, share**SURE, RADII[:2]), _nearby(back, (1 - share) ** SURE, RADII[:2])


def _nearby(colours: Alpha, weight: Alpha, radii: tuple[int, ...]) -> Alpha:
    """The weighted mean of `colours`, (h, w, 3), around every pixel, in windows that count less the wider they are."""
    both = np.dstack([colours * weight[..., None], weight])
    total = np.zeros_like(both)
    for step, radius in enumerate(radii):
        total += np.float32(FAR**step) * cv2.blur(both, (2 * radius + 1, 2 * radius + 1))
    tiny = np.float32(1e-6)
    return (total[..., :3] + tiny * colours) / (total[..., 3:] + tiny)


def _share_rest(image: Alpha, alpha: Alpha, front: Alpha, back: Alpha) -> tuple[Alpha, Alpha]:
    """F and B nearest to `front` and `back` that mix to `image`, as far as DOUBT allows; all (h, w, 3), alpha (h, w, 1)."""
    rest = (image - alpha * front - (1 - alpha) * back) / (alpha**2 + (1 - alpha) ** 2 + np.float32(DOUBT))
    return np.clip(front + alpha * rest, 0, 255), np.clip(back + (1 - alpha) * rest, 0, 255)


def _unmix(image: Picture, alpha: Alpha, front: Alpha, back: Alpha) -> Picture:
    """Foreground colours of one tile; the image itself where alpha is 1."""
    colours, _ = _share_rest(image.astype(np.float32), alpha[..., None], front, back)
    found = np.rint(colours).astype(np.uint8)
    return np.where((alpha >= 1)[..., None], image, found)


def _crop(planes: tuple[Alpha, Alpha], where: tuple[slice, slice], size: tuple[int, ...]) -> Iterator[Alpha]:
    """That part of the photo, of `size`, out of planes on the grid: bilinear, half-pixel centred."""
    at = []
    for part, length, cells in zip(where, size, planes[0].shape, strict=False):
        pixels = np.arange(part.start, min(part.stop, length), dtype=np.float32)
        at.append((pixels + np.float32(0.5)) * np.float32(cells / length) - np.float32(0.5))
    columns, rows = np.meshgrid(at[1], at[0])
    for plane in planes:
        yield cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# --- backgrounds


def _behind(image: Picture, alpha: Alpha, background: Background) -> Picture:
    """A new (H, W, 3) picture of what lies behind the person."""
    if isinstance(background, str):
        if background != "blur":
            raise ValueError(f"background is {background!r}; it must be 'blur', an (r, g, b) colour or a picture")
        return _blurred(image, alpha)
    picture = np.asarray(background)
    if picture.shape == (3,) and (picture >= 0).all() and (picture <= 255).all():
        return np.full(image.shape, picture, np.uint8)
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


def _blurred(image: Picture, alpha: Alpha) -> Picture:
    """The background out of focus, with nothing of the person in it: a blur of the rest, divided by its weight."""
    height, width = alpha.shape
    scale = min(1, 256 / min(height, width))
    grid = (max(1, round(height * scale)), max(1, round(width * scale)))
    wide = cv2.dilate(resize(alpha, grid), np.ones((5, 5), np.uint8))     # an edge is never exactly where alpha ends
    weight = np.maximum(0, 1 - wide * np.float32(1 / 0.95)) ** 2 + np.float32(0)
    small = resize(image, grid).astype(np.float32)
    if not weight.any():                                                  # all person: nothing of this will be seen
        weight = np.ones_like(weight)
    both = np.dstack([small * weight[..., None], weight])
    sigma = BLUR * min(grid)
    total = np.zeros_like(both)
    for step in range(4):                                                 # wider ones only count where all else is person
        total += np.float32(1e-3**step) * cv2.GaussianBlur(both, (0, 0), max(0.3, sigma * 3**step))
    blurred = total[..., :3] / np.maximum(total[..., 3:], np.float32(1e-20))
    return np.asarray(resize(np.clip(np.rint(blurred), 0, 255).astype(np.uint8), (height, width)), np.uint8)
