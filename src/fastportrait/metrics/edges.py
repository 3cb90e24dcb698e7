"""How well a soft edge agrees with an exact one: gradient and connectivity errors of the matting benchmarks.

Both come from C. Rhemann et al., "A perceptually motivated online benchmark for image matting", CVPR 2009
(https://doi.org/10.1109/CVPR.2009.5206503). Repositories scale the gradient error differently, so each
variant has its own name here and the two never share a column. Alphas are (H, W) float32 in [0, 1]; errors
are over the whole picture and grow with its size.
"""

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .masks import Alpha

SIGMA = 1.4


def grad_rvm(alpha: Alpha, truth: Alpha) -> float:
    """As RobustVideoMatting measures it: both stretched to 0..1, filters of unit norm, sum / 1000."""
    radius = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * 0.01)))
    smooth, slope = _gaussian(radius)
    smooth, slope = smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)
    return _gradient_error(_stretched(alpha), _stretched(truth), smooth, slope, cv2.BORDER_REPLICATE) / 1000


def grad_p3m(alpha: Alpha, truth: Alpha) -> float:
    """As P3M measures it: plain derivatives of a Gaussian that sums to 1, sum / 10."""
    smooth, slope = _gaussian(radius=int(4 * SIGMA + 0.5))  # four sigmas, mirrored border: scipy.ndimage's
    scale = smooth.sum()
    return _gradient_error(alpha, truth, smooth / scale, slope / scale, cv2.BORDER_REFLECT) / 10


def conn(alpha: Alpha, truth: Alpha) -> float:
    """Connectivity error, sum / 1000: how far alpha hangs off the body that it shares with the truth.

    Steps of 0.1, 4-connected, gaps below 0.15 ignored. Where a level has no shared pixel, all that is left
    falls off there (RobustVideoMatting's reading; P3M's skips such a level).
    """
    levels = np.arange(11, dtype=np.float32) / 10
    connected = np.full(alpha.shape, -1, np.float32)  # the highest level at which a pixel hangs on the body
    low = np.minimum(alpha, truth)
    for below, level in pairwise(levels):
        connected[(connected < 0) & ~_largest(low >= level)] = below
    connected[connected < 0] = 1

    def degree(x: Alpha) -> Alpha:
        gap = x - connected
        return 1 - gap * (gap >= 0.15)

    return float(np.abs(degree(alpha) - degree(truth)).sum(dtype=np.float64)) / 1000


def _gaussian(radius: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A Gaussian and its derivative at -radius..radius, not normalised."""
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    bell = np.exp(-(x**2) / (2 * SIGMA**2))
    return bell, -x / SIGMA**2 * bell


def _gradient_error(
    alpha: Alpha, truth: Alpha, smooth: NDArray[np.float64], slope: NDArray[np.float64], border: int
) -> float:
    def magnitude(x: Alpha) -> Alpha:
        along_x = cv2.sepFilter2D(x, cv2.CV_32F, slope, smooth, borderType=border)
        along_y = cv2.sepFilter2D(x, cv2.CV_32F, smooth, slope, borderType=border)
        return np.asarray(cv2.magnitude(along_x, along_y), np.float32)

    return float(cv2.norm(magnitude(alpha), magnitude(truth), cv2.NORM_L2SQR))


def _stretched(alpha: Alpha) -> Alpha:
    low, high = float(alpha.min()), float(alpha.max())
    return (alpha - low) / (high - low) if high > low else np.zeros_like(alpha)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 4-connected part of a mask; all False where it is empty."""
    parts, label, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    if parts == 1:
        return np.zeros_like(mask)
    return np.asarray(label == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))
