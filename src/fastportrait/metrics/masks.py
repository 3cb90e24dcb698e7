"""How well a mask's area, its boundary and its softness agree with the truth: one picture, one number.

Masks are (H, W) bool, alphas (H, W) float32 in [0, 1], both at the picture's own size. Two masks that are
both empty agree: 1. Nothing here imports torch, so that training can call it from its workers.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Alpha = NDArray[np.float32]


def as_alpha(truth: NDArray[np.uint8] | Alpha) -> Alpha:
    """(H, W) in [0, 1] from uint8 in 0..255; float is taken to be in [0, 1] already."""
    if truth.dtype == np.uint8:
        return np.multiply(truth, np.float32(1 / 255), dtype=np.float32)
    return truth.astype(np.float32, copy=False)


def count(mask: Mask) -> int:
    """Pixels that are True; several times faster than `mask.sum()`."""
    return cv2.countNonZero(mask.view(np.uint8))


def iou(mask: Mask, truth: Mask) -> float:
    """Intersection over union."""
    both = count(mask & truth)
    either = count(mask) + count(truth) - both
    return both / either if either else 1.0


def miou(mask: Mask, truth: Mask) -> float:
    """The mean of the person's and the background's IoU."""
    return (iou(mask, truth) + iou(~mask, ~truth)) / 2


def boundary(mask: Mask) -> Mask:
    """The band inside a mask's edge: 2 % of the diagonal wide, d = max(1, round(0.02 diagonal)) pixels.

    The picture's border counts as background, so a body cut off by it has boundary there. d erosions by a
    3 x 3 square are one by a square of 2d + 1.
    """
    d = max(1, round(0.02 * math.hypot(*mask.shape)))
    square = np.ones((2 * d + 1, 2 * d + 1), np.uint8)
    inside = cv2.erode(mask.view(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return mask & (inside == 0)


def boundary_iou(mask: Mask, truth: Mask) -> float:
    """IoU of the two bands: B. Cheng et al., "Boundary IoU", CVPR 2021, https://arxiv.org/abs/2103.16562."""
    return iou(boundary(mask), boundary(truth))


def contour(mask: Mask) -> Mask:
    """The pixels of a mask that have a side in common with one outside it; the picture's border is none."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inside = cv2.erode(mask.view(np.uint8), cross, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return mask & (inside == 0)


def boundary_f(mask: Mask, truth: Mask) -> float:
    """F of the contours' precision and recall, a pixel right within d = max(1, round(0.008 diagonal)).

    D. Martin et al., "Learning to detect natural image boundaries", PAMI 26, 2004; 0.8 % is the tolerance of
    F. Perazzi et al., "A benchmark dataset and evaluation methodology for video object segmentation", CVPR
    2016. Differs from both: distances to the nearest contour pixel, nothing is matched one to one.
    """
    d = max(1, round(0.008 * math.hypot(*mask.shape)))
    ours, theirs = contour(mask), contour(truth)
    if not ours.any() or not theirs.any():
        return float(ours.any() == theirs.any())
    precision, recall = _near(ours, theirs, d), _near(theirs, ours, d)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _near(pixels: Mask, others: Mask, d: int) -> float:
    """The share of `pixels` that lie within `d` of one of `others`."""
    away = cv2.distanceTransform((~others).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return count(pixels & (away <= d)) / count(pixels)


def found(mask: Mask, truth: Mask) -> float:
    """The share of the person's pixels that the mask has; 1 where nobody is there to be found."""
    person = count(truth)
    return count(mask & truth) / person if person else 1.0


def mad(alpha: Alpha, truth: Alpha) -> float:
    """Mean absolute difference over the whole picture; tables give it x1000."""
    return float(cv2.norm(alpha, truth, cv2.NORM_L1)) / alpha.size


def mse(alpha: Alpha, truth: Alpha) -> float:
    """Mean squared difference over the whole picture; tables give it x1000."""
    return float(cv2.norm(alpha, truth, cv2.NORM_L2SQR)) / alpha.size


def sad(alpha: Alpha, truth: Alpha) -> float:
    """Sum of absolute differences over the whole picture, divided by 1000: grows with the picture."""
    return float(cv2.norm(alpha, truth, cv2.NORM_L1)) / 1000
