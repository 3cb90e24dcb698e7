"""Losses that judge pixel by pixel; some count those at the mask's edge for more."""

from itertools import pairwise
from math import ceil, exp

import torch
from torch import Tensor
from torch.nn import functional as F


def mask(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Cross-entropy against a soft mask, averaged over the pixels that count."""
    return cross_entropy(logit, target, weight)


def focal(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Cross-entropy that counts a pixel by how wrong it is."""
    return hard_first(logit, target, weight)


def boundary(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The same, on the band along the mask's edge alone: where a cut-out is judged."""
    band = edge_band(target, radius=max(2, round(target.shape[-1] * 0.015)))
    return cross_entropy(logit, target, weight * band)


def border(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Cross-entropy with U-Net's map of weights, 1 + 10 exp(-d^2 / 2 sigma^2), averaged over the pixels that
    count: a pixel on the mask's edge weighs up to eleven times one far from it.

    d is the distance to the mask's edge; the paper adds that to the second nearest cell, for gaps between
    cells. sigma is 1 % of the width, as its 5 pixels are of 512, or 1 pixel where that is more.
    (O. Ronneberger et al., "U-Net", 2015, eq. 2, https://arxiv.org/abs/1505.04597)
    """
    near = nearness(target, sigma=max(1.0, 0.01 * target.shape[-1]))
    return cross_entropy(logit, target, weight * (1 + 10 * near))


def hard_first(logit: Tensor, target: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """Cross-entropy times how wrong a pixel is, to the power `gamma` (T.-Y. Lin et al., "Focal Loss for Dense
    Object Detection", 2017, eq. 4, https://arxiv.org/abs/1708.02002). For a soft target wrong is the
    difference of the two alphas."""
    loss = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    return mean((logit.sigmoid() - target).abs() ** gamma * loss, weight)


def edge_band(target: Tensor, radius: int) -> Tensor:
    """1 within `radius` pixels of where `target` crosses a half, else 0: (N, 1, H, W) -> (N, 1, H, W)."""
    person = (target > 0.5).float()
    size = 2 * radius + 1
    # The share of a pixel's neighbours that are person: neither none nor all along the edge.
    share = F.avg_pool2d(person, (1, size), 1, (0, radius), count_include_pad=False)
    share = F.avg_pool2d(share, (size, 1), 1, (radius, 0), count_include_pad=False)
    return ((share > 0) & (share < 1)).float()


def nearness(target: Tensor, sigma: float) -> Tensor:
    """exp(-d^2 / 2 sigma^2), (N, 1, H, W) -> (N, 1, H, W); 0 from the first ring beyond 3 sigma.

    d is the distance in pixels from a pixel's middle to where `target` crosses a half: 0.5 for one beside the
    crossing, then 1.5, 2.5, ... for ring after ring, grown by 3x3 dilations on both sides. So a diagonal step
    is as long as a straight one. The picture's own rim is no edge.
    """
    grown = (target > 0.5).float()
    shrunk, near = grown, torch.zeros_like(grown)
    rings = ceil(3 * sigma)
    falloff = [exp(-((ring + 0.5) ** 2) / (2 * sigma**2)) for ring in range(rings)] + [0.0]
    for here, beyond in pairwise(falloff):
        grown, shrunk = F.max_pool2d(grown, 3, 1, 1), -F.max_pool2d(-shrunk, 3, 1, 1)
        near = near + (here - beyond) * (grown - shrunk)  # wider bands hold this ring too: `here` in all
    return near


def cross_entropy(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return mean(F.binary_cross_entropy_with_logits(logit, target, reduction="none"), weight)


def mean(value: Tensor, weight: Tensor) -> Tensor:
    return (value * weight).sum() / weight.sum().clamp_min(torch.finfo(torch.float32).tiny + 1.0)
