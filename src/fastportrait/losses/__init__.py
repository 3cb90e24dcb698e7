"""Losses on the mask, and on a network's other outputs, by the names that a recipe weighs.

Every loss takes logit (N, 1, H, W), target (N, 1, H, W) in [0, 1], weight (N, 1, H, W) >= 0, where 0 means
that the label says nothing about the pixel, and the image (N, 3, H, W), RGB in [0, 1]. It returns a scalar.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .matting import alpha, charbonnier, composition, laplacian
from .outputs import affinity, consistency, distil, helper, policy
from .pixels import border, boundary, edge_band, focal, hard_first, mask, nearness
from .regions import dice, lovasz, overlap

__all__ = [
    "LOSSES", "affinity", "alpha", "border", "boundary", "charbonnier", "composition", "consistency", "dice",
    "distil", "each", "edge_band", "focal", "hard_first", "helper", "laplacian", "lovasz", "mask", "nearness",
    "overlap", "policy",
]  # fmt: skip

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]

LOSSES: dict[str, Loss] = {
    "mask": mask,
    "focal": focal,
    "boundary": boundary,
    "border": border,
    "overlap": overlap,
    "dice": dice,
    "lovasz": lovasz,
    "alpha": alpha,
    "charbonnier": charbonnier,
    "composition": composition,
    "laplacian": laplacian,
}


@torch.no_grad()
def each(weights: dict[str, float], logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The weighed sum of those `LOSSES` that `weights` names, for every image by itself: (N,)."""
    named = {name: share for name, share in weights.items() if name in LOSSES}
    costs = []
    for i in range(len(logit)):
        one = [value[i : i + 1] for value in (logit, target, weight, image)]
        costs.append(torch.stack([share * LOSSES[name](*one) for name, share in named.items()]).sum())
    return torch.stack(costs)
