"""A network's weights and everything needed to use them, in one safetensors file."""

import json
import os
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from . import ZOO
from .card import Card
from .inherit import inherit
from .network import Network
from .plan import Plan
from .topdown import CARDS as TOPDOWNS
from .topdown import TopDown


@dataclass(frozen=True)
class About:
    """Travels in the header of the weights file, and later in the exported model."""

    network: str
    """A name in the zoo, "topdown" with a plan, or a classifier that trunks start from."""
    size: tuple[int, int]
    """Height and width to run it at."""
    recipe: str = ""
    commit: str = ""
    data: tuple[str, ...] = ()
    terms: str = ""
    """What the weights may be used for, as the data decide it; the code's licence is another matter."""
    scores: dict[str, Any] = field(default_factory=dict)
    """By split: {"val": {"iou": 95.1, ...}}."""
    quantise_aware: bool = False
    """Whether it was trained with the rounding of an int8 file in place."""
    plan: dict[str, Any] = field(default_factory=dict)
    """What a top-down network is built from, as `Plan.write` gives it; empty: it is a line of the zoo."""


PLANNED = "topdown"
"""The network whose plan comes with its weights, or with its recipe."""


def network_card(network: str, plan: dict[str, Any], size: tuple[int, int]) -> Card:
    """The line of the zoo, or what would be that of a top-down network of `plan`, made for `size`.

    Raises `ValueError` where there is no such network, or no network can be built from `plan`.
    """
    if network == PLANNED and plan:
        return Card(PLANNED, partial(TopDown, Plan.read(plan)), size)
    if network == PLANNED:
        raise ValueError(f"{PLANNED} is built from a plan, and none is given")
    if plan:
        raise ValueError(f"{network} has no plan: only {PLANNED} is built from one")
    if network not in ZOO:
        raise ValueError(f"the zoo has no network {network!r}, only {', '.join(ZOO)}")
    return ZOO[network]


def save(net: nn.Module, about: About, path: Path, *, half: bool = False) -> None:
    """Writes tensors and `about` to `path`, atomically.

    `half` stores the convolutions in half precision, for files that are kept beside the code; `load` widens
    them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    state = {
        name: (value.half() if half and value.ndim > 1 else value).contiguous()
        for name, value in net.state_dict().items()
    }
    fields = {name: value for name, value in asdict(about).items() if name != "plan" or value}
    save_file(state, partial, metadata={"about": json.dumps(fields)})
    os.replace(partial, path)


def read_about(path: Path) -> About:
    """Raises `ValueError` where there is no file, or it does not say which network it belongs to."""
    if not path.is_file():
        raise ValueError(f"{path}: no file of weights there")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if "about" not in metadata:
        raise ValueError(f"{path} does not say which network it belongs to (no 'about' in its header)")
    fields = json.loads(metadata["about"])
    if unknown := sorted(fields.keys() - About.__dataclass_fields__):
        raise ValueError(f"{path}: its header says {', '.join(unknown)}, which this version does not know")
    return About(**{**fields, "size": tuple(fields["size"]), "data": tuple(fields["data"])})


def load(path: Path) -> tuple[Network, About]:
    """The network in evaluation mode. Raises `ValueError` on a network that the zoo does not have, and on a
    plan that its tensors do not fit: nothing larger than the file is built."""
    about = read_about(path)
    tensors = _tensors(path)
    try:
        build = network_card(about.network, about.plan, about.size).build
        if about.plan:
            with torch.device("meta"):
                wanted = _shapes(build().state_dict())
            if wanted != _shapes(tensors):
                raise ValueError("the plan in its header is not that of its tensors")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    net = build()
    net.load_state_dict(tensors)
    return net.eval(), about


def start_from(net: nn.Module, network: str, path: Path) -> list[str]:
    """Loads `path` into `net`: all of it where it is the same network or `net` has all of its layers, as an
    earlier stage of its training may have fewer, else the layers below `trunk`. A top-down network takes from
    another one the channels that are worth most (inherit.py).

    Returns the names that were filled. Raises `ValueError` where a trunk's layer is missing or has another
    shape, so that nothing stays fresh unnoticed.
    """
    about = read_about(path)
    there = about.network
    tensors = _tensors(path)
    if network == PLANNED and there in (PLANNED, *(card.name for card in TOPDOWNS)):
        return _inherited(net, path)
    if there == network or _shapes(tensors).items() <= _shapes(net.state_dict()).items():
        net.load_state_dict(tensors, strict=there == network)
        return list(tensors)
    wanted = {name: value for name, value in net.state_dict().items() if name.startswith("trunk.")}
    if not wanted:
        raise ValueError(f"{path} holds another network, and {network} has no trunk to take from it")
    for name, value in wanted.items():
        if name not in tensors:
            raise ValueError(f"{path} has no {name}, which {network} needs")
        if tensors[name].shape != value.shape:
            raise ValueError(
                f"{path}: {name} is {tuple(tensors[name].shape)}, {network} needs {tuple(value.shape)}"
            )
    net.load_state_dict({name: tensors[name] for name in wanted}, strict=False)
    return list(wanted)


def _inherited(net: nn.Module, path: Path) -> list[str]:
    source, _ = load(path)
    assert isinstance(source, TopDown)
    assert isinstance(net, TopDown)
    made, taken = inherit(source, net.plan)
    filled = made.state_dict()
    net.load_state_dict({name: filled[name] for name in taken}, strict=False)
    return taken


def _shapes(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in tensors.items()}


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return {
        name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()
    }
