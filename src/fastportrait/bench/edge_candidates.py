"""What `refine` and `compose` were compared with: the plain ways, and the papers' own forms.

Masks: (H, W, 3) uint8 and (h, w) in [0, 1] -> (H, W) in [0, 1]. Colours: (H, W, 3) uint8 and (H, W) in [0, 1]
-> (H, W, 3) uint8. Windows are given in pixels of the mask, so that they mean the same at any size.
"""

from importlib import import_module

import cv2
import numpy as np
from numpy.typing import NDArray

from ..transform import resize

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]

RADIUS = 2.5
"""Of a guided filter's window, in pixels of the mask."""
EPSILON = 1e-4
CONTRAST = 1.6


def bilinear(image: Frame, coarse: Plane) -> Plane:
    return np.asarray(resize(coarse, image.shape[:2]), np.float32)


def bicubic(image: Frame, coarse: Plane) -> Plane:
    return np.clip(cv2.resize(coarse, image.shape[1::-1], interpolation=cv2.INTER_CUBIC), 0, 1)


def contrast(image: Frame, coarse: Plane) -> Plane:
    return _steeper(bilinear(image, coarse))


def guided_grey(image: Frame, coarse: Plane) -> Plane:
    """K. He et al., "Guided Image Filtering", 2013, eq. 5-8, at full size."""
    radius = _radius(image, coarse)
    guide = _centred(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8))
    mask = _steeper(bilinear(image, coarse))
    mean, mask_mean = _box(guide, radius), _box(mask, radius)
    slope = (_box(guide * mask, radius) - mean * mask_mean) / (
        _box(guide * guide, radius) - mean**2 + EPSILON
    )
    offset = mask_mean - slope * mean
    return _steeper(_box(slope, radius) * guide + _box(offset, radius))


def guided_colour(image: Frame, coarse: Plane) -> Plane:
    """The same in colour, eq. 14-17."""
    guide = _centred(image)
    slopes = _colour_slopes(guide, _steeper(bilinear(image, coarse)), _radius(image, coarse))
    return _steeper(np.einsum("hwc,hwc->hw", slopes[..., :3], guide) + slopes[..., 3])


def fast_guided(image: Frame, coarse: Plane) -> Plane:
    """K. He, J. Sun, "Fast Guided Filter", 2015: the slopes found at one and a half times the mask's size."""
    small = tuple(min(round(1.5 * n), m) for n, m in zip(coarse.shape, image.shape, strict=False))
    guide = _centred(resize(image, small))
    slopes = resize(_colour_slopes(guide, _steeper(resize(coarse, small)), 4), image.shape[:2])
    return _steeper(np.einsum("hwc,hwc->hw", slopes[..., :3], _centred(image)) + slopes[..., 3])


def _colour_slopes(guide: Plane, mask: Plane, radius: int) -> Plane:
    mean, mask_mean = _box(guide, radius), _box(mask, radius)
    covariance = _box(guide * mask[..., None], radius) - mean * mask_mean[..., None]
    products = np.stack([guide[..., i] * guide[..., j] for i in range(3) for j in range(i, 3)], -1)
    means = np.stack([mean[..., i] * mean[..., j] for i in range(3) for j in range(i, 3)], -1)
    spread = np.dstack([_box(products[..., :3], radius), _box(products[..., 3:], radius)]) - means
    rr, rg, rb, gg, gb, bb = np.moveaxis(spread, -1, 0)
    rr, gg, bb = rr + EPSILON, gg + EPSILON, bb + EPSILON
    r, g, b = np.moveaxis(covariance, -1, 0)
    inverse = [
        gg * bb - gb**2,
        gb * rb - rg * bb,
        rg * gb - gg * rb,
        rr * bb - rb**2,
        rb * rg - rr * gb,
        rr * gg - rg**2,
    ]
    scale = 1 / np.maximum(inverse[0] * rr + inverse[1] * rg + inverse[2] * rb, EPSILON**3)
    slopes = np.stack(
        [
            (inverse[0] * r + inverse[1] * g + inverse[2] * b) * scale,
            (inverse[1] * r + inverse[3] * g + inverse[4] * b) * scale,
            (inverse[2] * r + inverse[4] * g + inverse[5] * b) * scale,
        ],
        -1,
    )
    offset = mask_mean - (slopes * mean).sum(-1)
    return _box(np.dstack([slopes, offset]).astype(np.float32), radius)


def _centred(image: Frame) -> Plane:
    return np.multiply(image, np.float32(1 / 255), dtype=np.float32) - np.float32(0.5)


def _radius(image: Frame, coarse: Plane) -> int:
    return max(1, round(RADIUS * (image.shape[0] * image.shape[1] / coarse.size) ** 0.5))


def _box(plane: Plane, radius: int) -> Plane:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def _steeper(alpha: Plane) -> Plane:
    return np.clip((alpha - 0.5) * np.float32(CONTRAST) + np.float32(0.5), 0, 1)


def blur_fusion(image: Frame, alpha: Plane) -> Frame:
    """M. Forte, "Approximate Fast Foreground Colour Estimation", 2021: windows of 90, then of 6."""
    share, picture = alpha[..., None], image.astype(np.float32)
    front, back = picture, picture
    for radius in (90, 6):
        weight = _box(alpha, radius)[..., None]
        mean = _box(front * share, radius) / (weight + 1e-5)
        back = _box(back * (1 - share), radius) / (1 - weight + 1e-5)
        front = np.clip(mean + share * (picture - share * mean - (1 - share) * back), 0, 255)
    return np.rint(front).astype(np.uint8)


def multi_level(image: Frame, alpha: Plane) -> Frame:
    """T. Germer et al., "Fast Multi-Level Foreground Estimation", 2020, as pymatting has it."""
    pymatting = import_module("pymatting")  # not a dependency: it brings a compiler
    return np.rint(255 * pymatting.estimate_foreground_ml(image / 255, alpha.astype(np.float64))).astype(
        np.uint8
    )
