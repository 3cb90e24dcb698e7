"""Channels of a trained network dropped, those worth least for what they cost, until it is cheap enough.

The plan is chosen here, greedily, eight channels at a time; `nets.inherit` copies the weights that stay.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..nets.inherit import groups, inherit, like_rows, narrowed, scales
from ..nets.plan import Plan
from ..nets.topdown import TopDown
from ..nets.weights import PLANNED, About, load, save
from .worth import pictures, worth

STEP = 8
"""Runtimes compute in blocks of eight channels or more."""
KEPT = 0.25
"""Share of its channels that every group keeps: what a channel is worth holds while most others are there."""
Cost = Callable[[Plan], float]


def shrunk(
    plan: Plan, value: Mapping[str, Tensor], cost: Cost, target: float, *, streams: bool = False
) -> Plan:
    """`plan` with fewer channels, whose cost is at most `target`; `value`: (channels,) of each group.
    `streams`: also of those that rows of blocks hand on.

    Each turn takes from the group that loses least for what is saved. Raises `ValueError` where even the
    narrowest plan costs more.
    """
    lost = {
        name: torch.cat([torch.zeros(1), worths.sort().values.cumsum(0)]) for name, worths in value.items()
    }
    counts = {name: group.count for name, group in groups(plan).items()}
    full, now, spent = dict(counts), plan, cost(plan)
    while spent > target:
        best: tuple[float, str, int, Plan, float] | None = None
        for name, count in counts.items():
            fewer = (count - 1) // STEP * STEP
            if fewer < KEPT * full[name] or not fewer or (name.startswith("stream") and not streams):
                continue
            tried = narrowed(plan, counts | {name: fewer})
            if not like_rows(tried, plan):
                continue
            saved = spent - (price := cost(tried))
            if saved <= 0:
                continue
            gone = full[name] - count, full[name] - fewer
            each = float(lost[name][gone[1]] - lost[name][gone[0]]) / saved
            if best is None or each < best[0]:
                best = (each, name, fewer, tried, price)
        if best is None:
            raise ValueError(f"the narrowest plan costs {spent:.4g}, and {target:.4g} is asked for")
        _, name, counts[name], now, spent = best
    return now


def pruned(
    weights: Path,
    out: Path,
    cost: Callable[[Plan, tuple[int, int]], float],
    target: float,
    *,
    data: Path | None = None,
    count: int = 256,
    size: tuple[int, int] | None = None,
    streams: bool = False,
    plain_colours: bool = False,
) -> tuple[Plan, Plan, float]:
    """Writes to `out` what is left of the top-down network in `weights` at `target` times its cost: its old
    and its new plan, and the share of the cost that is left.

    Channels are judged on `count` pictures of train in `data`, without it by their norms. `streams` lets
    those go too that rows of blocks hand on, `plain_colours`
    lets the first convolution normalise. Raises `ValueError` where that cannot be done.
    """
    net, about = _opened(weights, out)
    at = size or about.size
    value = scales(net) if data is None else worth(net, pictures(data, at, count))
    begun = replace(net.plan, normalised=net.plan.normalised and not plain_colours)
    price = cost(net.plan, at)
    plan = shrunk(begun, value, lambda tried: cost(tried, at), target * price, streams=streams)
    made, taken = inherit(net, plan, value)
    assert set(taken) == set(made.state_dict())
    _save(made, about, weights, at, out)
    return net.plan, plan, cost(plan, at) / price


def fitted(
    weights: Path, out: Path, plan: Plan, size: tuple[int, int], *, data: Path | None = None, count: int = 256
) -> tuple[Plan, list[str]]:
    """Writes to `out` the network of `plan` with what it can take of the top-down network in `weights`: the
    channels worth most, judged as by `pruned`. Gives the old plan, and the layers that start fresh.

    `size` is where the new one is to run. Raises `ValueError` where that cannot be done.
    """
    net, about = _opened(weights, out)
    value = scales(net) if data is None else worth(net, pictures(data, about.size, count))
    torch.manual_seed(0)
    made, taken = inherit(net, plan, value)
    _save(made, about, weights, size, out)
    fresh = made.state_dict().keys() - set(taken)
    return net.plan, sorted({name.rpartition(".")[0] for name in fresh})


def _opened(weights: Path, out: Path) -> tuple[TopDown, About]:
    net, about = load(weights)
    if type(net) is not TopDown:
        raise ValueError(f"{weights} holds {about.network}: pruned are top-down networks, for one frame")
    if out.resolve() == weights.resolve():
        raise ValueError(f"{out} is the file to prune: name another with -o")
    return net, about


def _save(made: TopDown, about: About, weights: Path, size: tuple[int, int], out: Path) -> None:
    told = replace(
        about,
        network=PLANNED,
        size=size,
        recipe=f"pruned from {weights.name}",
        scores={},
        quantise_aware=False,
        plan=made.plan.write(),
    )
    save(made, told, out)
