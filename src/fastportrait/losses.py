"""Losses on the mask, by the names that a recipe weighs.

Every loss takes logit (N, 1, H, W), target (N, 1, H, W) in [0, 1] and weight (N, 1, H, W) >= 0, where 0 means
that the label says nothing about the pixel, and returns a scalar.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def mask(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy against a soft mask, averaged over the pixels that count."""
    return _mean(F.binary_cross_entropy_with_logits(logit, target, reduction="none"), weight)


def boundary(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The same, on the band along the mask's edge alone: where a cut-out is judged."""
    return mask(logit, target, weight * edge_band(target, radius=max(2, round(target.shape[-1] * 0.015))))


def overlap(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """One minus each picture's soft IoU (Rahman and Wang, 2016): a small person counts like a large one."""
    alpha = logit.sigmoid()
    both = (weight * alpha * target).sum((1, 2, 3))
    either = (weight * (alpha + target - alpha * target)).sum((1, 2, 3))
    smooth = 1e-3 * target[0].numel()  # keeps a picture without a person at zero loss for an empty mask
    return (1 - (both + smooth) / (either + smooth)).mean()


def alpha(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of the alphas: what MAD measures."""
    return _mean((logit.sigmoid() - target).abs(), weight)


LOSSES: dict[str, Loss] = {"mask": mask, "boundary": boundary, "overlap": overlap, "alpha": alpha}


def distil(logit: Tensor, teacher: Tensor, trust: Tensor) -> Tensor:
    """Cross-entropy against the teacher's soft mask, twice as strong at its edges.

    `teacher` is its logit (N, 1, H, W); `trust` (N, 1, 1, 1) weighs whole pictures.
    """
    target = teacher.sigmoid()
    band = edge_band(target, radius=max(2, round(target.shape[-1] * 0.015)))
    return mask(logit, target, trust * (1 + band))


def edge_band(target: Tensor, radius: int) -> Tensor:
    """1 within `radius` pixels of where `target` crosses a half, else 0: (N, 1, H, W) -> (N, 1, H, W)."""
    person = (target > 0.5).float()
    size = 2 * radius + 1
    grown = F.max_pool2d(person, (1, size), 1, (0, radius))
    grown = F.max_pool2d(grown, (size, 1), 1, (radius, 0))
    shrunk = -F.max_pool2d(-person, (1, size), 1, (0, radius))
    shrunk = -F.max_pool2d(-shrunk, (size, 1), 1, (radius, 0))
    return grown - shrunk


def _mean(value: Tensor, weight: Tensor) -> Tensor:
    return (value * weight).sum() / weight.sum().clamp_min(torch.finfo(torch.float32).tiny + 1.0)
