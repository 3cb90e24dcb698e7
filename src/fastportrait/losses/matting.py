"""Losses on the soft alpha and on what it cuts out."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .pixels import mean


def alpha(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Mean absolute difference of the alphas: what MAD measures."""
    return mean((logit.sigmoid() - target).abs(), weight)


def charbonnier(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The alphas' difference with a round bottom: Fast Deep Matting's loss on alpha
    (B. Zhu et al., 2017, https://arxiv.org/abs/1707.08289)."""
    return mean(_rounded(logit.sigmoid() - target), weight)


def composition(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """How far the cut-out's colours on black are from the true ones: the same paper's other half."""
    difference = image * (logit.sigmoid() - target)
    return mean(_rounded(difference).mean(1, keepdim=True), weight)


def laplacian(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The alphas' difference band by band: hair in the fine ones, whole persons in the coarse, which weigh
    1, 2, 4, ... for having a quarter, a sixteenth, ... of the pixels (Q. Hou and F. Liu, "Context-Aware Image
    Matting", 2019, eq. 3, https://arxiv.org/abs/1909.09725).

    The pyramid is linear, so one of the difference does. What is left above its five bands is the sixth; it
    weighs 1 and keeps an alpha that is too high everywhere from being free.
    """
    rest, parts = weight * (logit.sigmoid() - target), []
    for level in range(5):
        if min(rest.shape[-2:]) < 4:
            break
        smaller = _halved(rest)
        back = F.interpolate(smaller, rest.shape[-2:], mode="bilinear", align_corners=False)
        parts.append(2**level * (rest - back).abs().mean())
        rest = smaller
    return torch.stack([*parts, rest.abs().mean()]).sum() / weight.mean().clamp_min(1e-6)


def _halved(x: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N, 1, H/2, W/2), rounded up: smoothed by 1, 3, 3, 1, whose middle lies where that of
    the new pixels does, the rim repeated."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 8
    odd_y, odd_x = x.shape[-2] % 2, x.shape[-1] % 2
    x = F.pad(x, (1, 1 + odd_x, 1, 1 + odd_y), mode="replicate")
    return F.conv2d(x, torch.outer(taps, taps).view(1, 1, 4, 4), stride=2)


def _rounded(difference: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Charbonnier's: the absolute value, but smooth at zero. `epsilon` is taken off so that right is free."""
    return (difference**2 + epsilon**2).sqrt() - epsilon
