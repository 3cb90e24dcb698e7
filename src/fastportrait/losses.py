"""Losses on the mask, and on a network's other outputs, by the names that a recipe weighs.

Every loss takes logit (N, 1, H, W), target (N, 1, H, W) in [0, 1], weight (N, 1, H, W) >= 0, where 0 means
that the label says nothing about the pixel, and the image (N, 3, H, W), RGB in [0, 1]. It returns a scalar.
"""

from collections.abc import Callable
from itertools import pairwise
from math import ceil, exp

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def mask(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Cross-entropy against a soft mask, averaged over the pixels that count."""
    return _cross_entropy(logit, target, weight)


def boundary(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The same, on the band along the mask's edge alone: where a cut-out is judged."""
    band = edge_band(target, radius=max(2, round(target.shape[-1] * 0.015)))
    return _cross_entropy(logit, target, weight * band)


def overlap(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """One minus each picture's soft IoU (Rahman and Wang, 2016): a small person counts like a large one."""
    alpha = logit.sigmoid()
    both = (weight * alpha * target).sum((1, 2, 3))
    either = (weight * (alpha + target - alpha * target)).sum((1, 2, 3))
    smooth = 1e-3 * target[0].numel()  # keeps a picture without a person at zero loss for an empty mask
    return (1 - (both + smooth) / (either + smooth)).mean()


def alpha(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Mean absolute difference of the alphas: what MAD measures."""
    return _mean((logit.sigmoid() - target).abs(), weight)


def border(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """Cross-entropy with U-Net's map of weights, 1 + 10 exp(-d^2 / 2 sigma^2), averaged over the pixels that
    count: a pixel on the mask's edge weighs up to eleven times one far from it.

    d is the distance to the mask's edge; the paper adds that to the second nearest cell, for gaps between
    cells. sigma is 1 % of the width, as its 5 pixels are of 512, or 1 pixel where that is more.
    (O. Ronneberger et al., "U-Net", 2015, eq. 2, https://arxiv.org/abs/1505.04597)
    """
    near = nearness(target, sigma=max(1.0, 0.01 * target.shape[-1]))
    return _cross_entropy(logit, target, weight * (1 + 10 * near))


def charbonnier(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The alphas' difference with a round bottom: Fast Deep Matting's loss on alpha
    (B. Zhu et al., 2017, https://arxiv.org/abs/1707.08289)."""
    return _mean(_rounded(logit.sigmoid() - target), weight)


def composition(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """How far the cut-out's colours on black are from the true ones: the same paper's other half."""
    difference = image * (logit.sigmoid() - target)
    return _mean(_rounded(difference).mean(1, keepdim=True), weight)


LOSSES: dict[str, Loss] = {
    "mask": mask,
    "boundary": boundary,
    "overlap": overlap,
    "alpha": alpha,
    "border": border,
    "charbonnier": charbonnier,
    "composition": composition,
}


def distil(logit: Tensor, teacher: Tensor, trust: Tensor) -> Tensor:
    """Cross-entropy against the teacher's soft mask, twice as strong at its edges.

    `teacher` is its logit (N, 1, H, W); `trust` (N, 1, 1, 1) weighs whole pictures.
    """
    target = teacher.sigmoid()
    band = edge_band(target, radius=max(2, round(target.shape[-1] * 0.015)))
    return _cross_entropy(logit, target, trust * (1 + band))


def helper(name: str, value: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The loss on the output `name` of a network: see `Network.outputs` for what the names mean.

    Raises `ValueError` on a name that none of these fits. For "policy" see `policy`.
    """
    if name.startswith("cost_"):
        return value
    if name.startswith("mask_"):
        return _cross_entropy(value, _shrunk(target, value), _shrunk(weight, value))
    if name.startswith("edge_"):
        radius = max(1, round(target.shape[-1] * 0.01))
        height, width = value.shape[-2:]
        band = F.adaptive_max_pool2d(edge_band(target, radius), (height, width))
        return focal(value, band, _shrunk(weight, value))
    raise ValueError(
        f"no loss is known for the output {name!r}: it should be policy, or begin mask_, edge_ or cost_"
    )


def policy(decisions: Tensor, task: Tensor) -> Tensor:
    """REINFORCE (R. Williams, 1992) as SkipNet has it (X. Wang et al., 2017, sec. 3.3,
    https://arxiv.org/abs/1711.09485): a scalar whose gradient makes decisions that paid off more likely.

    `decisions` (N, 2, G): log-probability and reward of each image's G decisions, in order. What a decision
    brings is its own reward and those after it, less the image's loss `task` (N,). The batch's mean of that
    is taken off, as the paper does not: it calms the gradient, and leaves where it points almost as it was.
    """
    log, reward = decisions.unbind(1)
    brought = reward.flip(1).cumsum(1).flip(1) - task[:, None]
    advantage = (brought - brought.mean(0)).detach()
    return -(log * advantage).sum(1).mean()


@torch.no_grad()
def each(weights: dict[str, float], logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The weighed sum of those `LOSSES` that `weights` names, for every image by itself: (N,)."""
    named = {name: share for name, share in weights.items() if name in LOSSES}
    costs = []
    for i in range(len(logit)):
        one = [value[i : i + 1] for value in (logit, target, weight, image)]
        costs.append(torch.stack([share * LOSSES[name](*one) for name, share in named.items()]).sum())
    return torch.stack(costs)


def focal(logit: Tensor, target: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """Cross-entropy that counts a pixel by how wrong it is: edges are few (T.-Y. Lin et al., "Focal Loss for
    Dense Object Detection", 2017, eq. 5, https://arxiv.org/abs/1708.02002)."""
    loss = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    right = 1 - (logit.sigmoid() - target).abs()
    return _mean((1 - right) ** gamma * loss, weight)


def _shrunk(x: Tensor, like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    return F.adaptive_avg_pool2d(x, (height, width))


def edge_band(target: Tensor, radius: int) -> Tensor:
    """1 within `radius` pixels of where `target` crosses a half, else 0: (N, 1, H, W) -> (N, 1, H, W)."""
    person = (target > 0.5).float()
    size = 2 * radius + 1
    grown = F.max_pool2d(person, (1, size), 1, (0, radius))
    grown = F.max_pool2d(grown, (size, 1), 1, (radius, 0))
    shrunk = -F.max_pool2d(-person, (1, size), 1, (0, radius))
    shrunk = -F.max_pool2d(-shrunk, (size, 1), 1, (radius, 0))
    return grown - shrunk


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


def _cross_entropy(logit: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return _mean(F.binary_cross_entropy_with_logits(logit, target, reduction="none"), weight)


def _rounded(difference: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Charbonnier's: the absolute value, but smooth at zero. `epsilon` is taken off so that right is free."""
    return (difference**2 + epsilon**2).sqrt() - epsilon


def _mean(value: Tensor, weight: Tensor) -> Tensor:
    return (value * weight).sum() / weight.sum().clamp_min(torch.finfo(torch.float32).tiny + 1.0)
