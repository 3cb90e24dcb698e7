"""What is known about a network before it has weights."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

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
    smallest: tuple[int, int] = (64, 64)
    """The least height and width that it trains at: every parameter still gets a gradient there."""
    phone: Callable[[], Network] | None = None
    """Makes the form that a phone runs, where that is much smaller than the form that trains."""


class Published(NamedTuple):
    """One build of a paper, as the paper counts it: its own classes, its own input."""

    name: str
    build: Callable[[], nn.Module]
    image: tuple[int, int, int]
    """Channels, height, width."""
    params: int | None
    """The published integer, to be met exactly; None where there is none."""
    macs: float | None
    """Published multiply-accumulates; None where there are none."""
    tolerance: float = 0.02
    """How far `macs` may be off, relatively: papers count in ways of their own."""
    helpers: bool = False
    """Whether `params` counts the helper heads."""


class Paper(NamedTuple):
    authors: str
    title: str
    year: int
    link: str


def paper(doc: str) -> Paper | None:
    """What the line "Paper:" of a network's docstring says; None for our own networks, which have none."""
    found = re.search(
        r'^Paper:\s+(.+?),\s+"(.+?)",\s+(\d{4})\.\s+(https://\S+)', doc, re.MULTILINE | re.DOTALL
    )
    if found is None:
        return None
    authors, title, year, link = (" ".join(part.split()) for part in found.groups())
    return Paper(authors, title, int(year), link)


@dataclass(frozen=True)
class Cost:
    params: int
    """Trainable scalars; those under `helpers` serve the loss only and do not count."""
    macs: int
    """Multiply-accumulates of convolutions, linear layers and matrix products for one image."""


class Macs(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up, in `total`, the multiply-accumulates of what runs inside: convolutions and matrix products.

    PyTorch's own FlopCounterMode gives twice that; it also takes every other operation apart, which makes it
    five times as slow.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out) // 2
        return out


def measure(
    build: Callable[[], nn.Module], size: tuple[int, int], channels: int = 3, helpers: bool = False
) -> Cost:
    """Parameters and MACs at (height, width), counted on shapes alone: nothing is allocated.

    `helpers`: count the parameters of the helper heads too.
    """
    with torch.device("meta"):
        net, image = build().eval(), torch.empty(1, channels, *size)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # no MACs, but half the time that counting takes
            module.forward = nn.Identity().forward  # type: ignore[method-assign]
    with Macs() as macs, torch.no_grad():
        net(image)
    params = sum(
        p.numel() for name, p in net.named_parameters() if helpers or not name.startswith("helpers.")
    )
    return Cost(params, macs.total)


def describe(card: Card) -> str:
    """'9,514 params, 47.7 M MACs at 224 x 224': the words a network's docstring must hold."""
    cost = measure(card.build, card.size)
    return f"{cost.params:,} params, {cost.macs / 1e6:.1f} M MACs at {card.size[0]} x {card.size[1]}"
