"""What is known about a network before it has weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .network import Network


@dataclass(frozen=True)
class Card:
    """One line of the zoo."""

    name: str
    """What one types: "small"."""
    build: Callable[[], Network]
    """Makes the network with fresh weights."""
    size: tuple[int, int]
    """Height and width it is made for."""


@dataclass(frozen=True)
class Cost:
    params: int
    """Trainable scalars; those under `helpers` serve the loss only and do not count."""
    macs: int
    """Multiply-accumulates of convolutions, linear layers and matrix products for one image."""


def measure(build: Callable[[], nn.Module], size: tuple[int, int]) -> Cost:
    """Parameters and MACs at (height, width), counted on shapes alone: nothing is allocated."""
    with torch.device("meta"):
        net, image = build().eval(), torch.empty(1, 3, *size)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        net(image)
    params = sum(p.numel() for name, p in net.named_parameters() if not name.startswith("helpers."))
    return Cost(params, flops.get_total_flops() // 2)


def describe(card: Card) -> str:
    """'9,514 params, 47.7 M MACs at 224 x 224': the words a network's docstring must hold."""
    cost = measure(card.build, card.size)
    return f"{cost.params:,} params, {cost.macs / 1e6:.1f} M MACs at {card.size[0]} x {card.size[1]}"
