"""The optimiser and its schedule, as a recipe has them."""

from collections.abc import Set
from math import cos, pi
from typing import Any

import torch
from torch import nn

from ..recipe import Recipe

POWER = 0.9
"""Of the polynomial: W. Liu et al., "ParseNet", 2015, https://arxiv.org/abs/1506.04579, and many since."""


def optimiser(net: nn.Module, started: Set[str], recipe: Recipe) -> torch.optim.Optimizer:
    """`started`: the names of what came from `init`, which learns at `trunk_lr` of the rate. Vectors (biases,
    norms) do not decay."""
    groups: list[dict[str, Any]] = []
    for from_init in (True, False):
        for decays in (True, False):
            parameters = [
                p
                for name, p in net.named_parameters()
                if (name in started) == from_init and (p.ndim > 1) == decays
            ]
            if parameters:
                groups.append(
                    {
                        "params": parameters,
                        "lr": recipe.lr * (recipe.trunk_lr if from_init else 1.0),
                        "weight_decay": recipe.weight_decay if decays else 0.0,
                    }
                )
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=0.9)
    return torch.optim.AdamW(groups)


def share(recipe: Recipe, step: int) -> float:
    """Of `lr` at `step`: a straight line up to 1, then a cosine to a hundredth or a polynomial to 0."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    done = min(1.0, (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup))
    if recipe.schedule == "poly":
        return float((1 - done) ** POWER)
    return 0.01 + 0.99 * 0.5 * (1 + cos(pi * done))
