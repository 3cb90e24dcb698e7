"""All metrics of one picture at once, and what each is called.

A number compares only with one of the same variant, so every result file carries these descriptions.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import edges, masks
from .masks import Alpha

_MASK = "mask = alpha > 0.5 in both; per picture at its own size; both empty = 1"
VARIANTS = {
    "iou": f"IoU of the person; {_MASK}",
    "miou": f"mean of person's and background's IoU; {_MASK}",
    "boundary_iou": f"IoU of the bands inside the edges, 2 % of the diagonal, border = background; {_MASK}",
    "boundary_f": "F of contour pixels within 0.8 % of the diagonal, border is no contour; "
    f"nearest pixel, not matched; {_MASK}",
    "found": "share of the person's pixels where alpha > 0.5",
    "mad": "mean |alpha - truth| over the whole picture (tables: x1000)",
    "mse": "mean (alpha - truth)^2 over the whole picture (tables: x1000)",
    "sad": "sum |alpha - truth| over the whole picture / 1000",
    "grad_rvm": "gradient error, RVM's variant: both stretched to 0..1, unit-norm filters, sum / 1000",
    "grad_p3m": "gradient error, P3M's variant: plain Gaussian derivatives, sum / 10",
    "conn": "connectivity error, step 0.1, 4-connected, whole picture, sum / 1000 (RVM's variant)",
    "false_mask": "share of the pixels of a picture without people where alpha > 0.5",
    "dtssd": "sqrt(mean((change of alpha - change of truth)^2)), the mean over pairs of frames "
    "(RVM's variant; tables: x100)",
    "flicker": "mean |change of alpha - truth| from frame to frame, along the known motion of the person "
    "(our own; tables: x1000)",
    "iou_p5": "5th percentile of the person IoU over pictures",
    "over_1_percent": "share of pictures without people with over 1 % of pixels as mask; Wilson interval",
    "missed": "share of pictures with people where under 10 % of the person is found; Wilson interval",
}

LABELS: dict[str, tuple[str, float, int]] = {
    "iou": ("person IoU %", 100, 2),
    "miou": ("mIoU %", 100, 2),
    "boundary_iou": ("boundary IoU %", 100, 2),
    "boundary_f": ("boundary F %", 100, 2),
    "found": ("of the person found %", 100, 2),
    "mad": ("MAD x1000", 1000, 1),
    "mse": ("MSE x1000", 1000, 2),
    "sad": ("SAD /1000", 1, 2),
    "grad_rvm": ("Grad (RVM)", 1, 2),
    "grad_p3m": ("Grad (P3M)", 1, 2),
    "conn": ("Conn (RVM)", 1, 2),
    "false_mask": ("false mask %", 100, 2),
    "dtssd": ("dtSSD x100", 100, 2),
    "flicker": ("flicker x1000", 1000, 2),
    "iou_p5": ("5th percentile IoU %", 100, 2),
    "over_1_percent": ("pictures with > 1 % false mask, %", 100, 1),
    "missed": ("people missed %", 100, 1),
}
"""How tables show a metric: heading with unit, factor, decimals."""

MORE_IS_BETTER = ("iou", "miou", "boundary_iou", "boundary_f", "found", "iou_p5")
"""Every other metric is an error."""


def number(name: str, value: float) -> str:
    """ "94.47" for a person IoU of 0.94468."""
    _, factor, decimals = LABELS[name]
    return f"{value * factor:.{decimals}f}"


def score(alpha: Alpha, truth: NDArray[np.uint8] | Alpha) -> dict[str, float]:
    """Person IoU, mIoU, boundary IoU and MAD of `alpha` (H, W) in [0, 1]; `truth` (H, W) uint8 or in [0, 1].

    About a millisecond for 512 x 512: made to be called while training. Raises `ValueError` where the sizes
    differ or alpha is not a number in [0, 1].
    """
    exact = _checked(alpha, truth)
    mask, true = alpha > 0.5, exact > 0.5
    return {
        "iou": masks.iou(mask, true),
        "miou": masks.miou(mask, true),
        "boundary_iou": masks.boundary_iou(mask, true),
        "mad": masks.mad(alpha, exact),
    }


def score_mask(alpha: Alpha, truth: NDArray[np.uint8] | Alpha) -> dict[str, float]:
    """`score`, boundary F, and how much of the person was found."""
    exact = _checked(alpha, truth)
    mask, true = alpha > 0.5, exact > 0.5
    return score(alpha, exact) | {
        "boundary_f": masks.boundary_f(mask, true),
        "found": masks.found(mask, true),
    }


def score_matte(alpha: Alpha, truth: NDArray[np.uint8] | Alpha) -> dict[str, float]:
    """`score_mask` and the matting errors; means something only where the truth's softness is exact."""
    exact = _checked(alpha, truth)
    return score_mask(alpha, exact) | {
        "mse": masks.mse(alpha, exact),
        "sad": masks.sad(alpha, exact),
        "grad_rvm": edges.grad_rvm(alpha, exact),
        "grad_p3m": edges.grad_p3m(alpha, exact),
        "conn": edges.conn(alpha, exact),
    }


def score_empty(alpha: Alpha, truth: NDArray[np.uint8] | Alpha) -> dict[str, float]:
    """What is left to measure where the truth is that nobody is there (IoU would be 0 or 1)."""
    exact = _checked(alpha, truth)
    return {"false_mask": masks.count(alpha > 0.5) / alpha.size, "mad": masks.mad(alpha, exact)}


SCORES: dict[str, Callable[..., dict[str, float]]] = {
    "mask": score_mask,
    "matte": score_matte,
    "empty": score_empty,
}


def _checked(alpha: Alpha, truth: NDArray[np.uint8] | Alpha) -> Alpha:
    if alpha.ndim != 2 or alpha.dtype != np.float32:
        raise ValueError(f"alpha must be (H, W) float32, got {alpha.shape} {alpha.dtype}")
    if alpha.shape != truth.shape:
        raise ValueError(f"alpha is {alpha.shape}, its truth is {truth.shape}")
    if not (alpha.min() >= -1e-3 and alpha.max() <= 1 + 1e-3):  # resizing may round past 1; also catches NaN
        raise ValueError(f"alpha must lie in [0, 1], got {alpha.min()} to {alpha.max()}")
    return masks.as_alpha(truth)
