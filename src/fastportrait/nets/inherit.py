"""A narrower network of the top-down family out of a trained one: the channels that stay keep their weights.

Channels that must go together, because one layer gives what others take, are a group: the stem's, those
inside of a block, those that shortcuts carry through a row of blocks, the decoder's at each stride. Dropping
them narrows every layer that gives or takes them.

Papers: H. Li et al., "Pruning Filters for Efficient ConvNets", 2017 (whole filters go, the rest is copied).
        https://arxiv.org/abs/1608.08710
        Z. Liu et al., "Learning Efficient Convolutional Networks through Network Slimming", 2017 (the
        norm's scale says what a channel is worth). https://arxiv.org/abs/1708.06519
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from torch import Tensor

from .plan import Block, Plan
from .topdown import TopDown


@dataclass
class Group:
    """Channels that stay or go together."""

    count: int
    places: list[tuple[str, int]] = field(default_factory=list)
    """(tensor in the state dict, its dimension along which these channels lie)."""
    gates: list[str] = field(default_factory=list)
    """Batch norms on whose outputs each channel could be shut off."""

    def gives(self, layer: str) -> None:
        """They come out of the convolution and the batch norm of the ConvBNAct `layer`."""
        self.places.append((f"{layer}.0.weight", 0))
        self.places += [
            (f"{layer}.1.{name}", 0) for name in ("weight", "bias", "running_mean", "running_var")
        ]


class Place(NamedTuple):
    """Where a block lies."""

    stage: int
    level: int
    """The stage by its stride: 0 at stride 2, whatever the plan begins with."""
    row: int
    """Of the stage: a row begins at each block without a shortcut."""
    turn: int
    """In its row."""
    block: Block
    shortcut: bool
    place: str
    """Its layers' name, without their number."""
    roles: tuple[str, ...]
    """What each of its layers does."""

    @property
    def key(self) -> str:
        return f"{self.level}.{self.row}.{self.turn}"


def blocks(plan: Plan) -> Iterator[Place]:
    """Every block from fine to coarse."""
    below = len(plan.stages) - plan.top
    for i, stage in enumerate(plan.stages):
        row = turn = 0
        for j, block in enumerate(stage):
            shortcut = plan.shortcut(i, j)
            if j:
                row, turn = (row, turn + 1) if shortcut else (row + 1, 0)
            place = f"trunk.stages.{i}.{j + (i == 0)}" if i < below else f"top.{i - below}.{j}"
            roles = ("expand", "filter", "project") if block.hidden else ("filter", "project")
            if block.full:
                roles = ("full", "project")
            yield Place(i, i + plan.finest, row, turn, block, shortcut, f"{place}.body", roles)


def groups(plan: Plan) -> dict[str, Group]:
    """Every group of the network, by a name that says where it lies and that does not change where other
    groups are narrowed or rows of blocks get shorter."""
    found = {"stem": Group(plan.stem)}
    stream = found["stem"]
    stream.gives("trunk.stages.0.0")
    ends = {0: stream}
    if not plan.stages[0] or plan.stages[0][0].hidden:
        stream.gates.append("trunk.stages.0.0.1")
    for at in blocks(plan):
        layers = [f"{at.place}.{k}" for k in range(len(at.roles))]
        inside = stream
        if at.block.hidden:
            inside = found[f"hidden {at.key}"] = Group(at.block.hidden)
            stream.places.append((f"{layers[0]}.0.weight", 1))
        for layer in layers[:-1]:
            inside.gives(layer)
        inside.gates.append(f"{layers[-2]}.1")
        inside.places.append((f"{layers[-1]}.0.weight", 1))
        if not at.shortcut:
            stream = found[f"stream {at.level}.{at.row}"] = Group(at.block.channels)
        stream.gives(layers[-1])
        stream.gates.append(f"{layers[-1]}.1")
        ends[at.stage] = stream
    for i in range(plan.first, len(plan.stages)):
        ends[i].places.append((f"decoder.lateral.{i - plan.first}.0.weight", 1))
    _decoder(plan, found)
    return found


def _decoder(plan: Plan, found: dict[str, Group]) -> None:
    coarser = found["last"] = Group(plan.last or plan.widths[0])
    for k, width in enumerate(plan.widths):
        group = found[f"decoder {plan.finest + plan.first + k}"] = Group(width)
        group.gives(f"decoder.lateral.{k}")
        group.gives(f"decoder.smooth.{k}.0")
        group.gates.append(f"decoder.smooth.{k}.0.1")
        group.places.append((f"decoder.smooth.{k}.1.0.weight", 1))
        coarser.gives(f"decoder.smooth.{k}.1")  # what is filtered here is summed one stride finer
        coarser = group
    places = [("decoder.context.project.weight", 0), ("decoder.context.project.weight", 1)]
    coarser.places += [*places, ("decoder.context.project.bias", 0)]
    found["last"].gates.append("decoder.smooth.0.1.1")
    found["last"].places.append(("head.weight", 1))


def narrowed(plan: Plan, counts: Mapping[str, int]) -> Plan:
    """`plan` with as many channels in each group as `counts` says; those it does not name keep theirs."""
    stages: list[list[Block]] = [[] for _ in plan.stages]
    for at in blocks(plan):
        hidden = counts.get(f"hidden {at.key}", at.block.hidden)
        channels = counts.get(f"stream {at.level}.{at.row}", at.block.channels)
        stages[at.stage].append(replace(at.block, hidden=hidden, channels=channels))
    return replace(
        plan,
        stem=counts.get("stem", plan.stem),
        stages=tuple(map(tuple, stages)),
        widths=tuple(
            counts.get(f"decoder {plan.finest + plan.first + k}", width)
            for k, width in enumerate(plan.widths)
        ),
        last=counts.get("last", plan.last or plan.widths[0]),
    )


def like_rows(plan: Plan, other: Plan) -> bool:
    """Whether both have shortcuts at the same blocks: narrowing may give two rows the same width, and so one
    a shortcut that it never learnt with."""
    return [(at.key, at.shortcut) for at in blocks(plan)] == [(at.key, at.shortcut) for at in blocks(other)]


def scales(net: TopDown) -> dict[str, Tensor]:
    """What each channel of each group is worth by the norms alone, groups made comparable: the fallback where
    there are no pictures to ask."""
    tensors, worth = net.state_dict(), {}
    for name, group in groups(net.plan).items():
        size = sum((tensors[f"{gate}.weight"].abs() + tensors[f"{gate}.bias"].abs()) for gate in group.gates)
        assert isinstance(size, Tensor)
        worth[name] = size / size.mean().clamp_min(1e-12)
    return worth


def inherit(net: TopDown, plan: Plan, worth: Mapping[str, Tensor] | None = None) -> tuple[TopDown, list[str]]:
    """The network of `plan` with the weights of `net`: of every group those channels that are worth most, in
    their order; of a row of blocks the first ones. Also the names of the tensors that were taken: what has no
    counterpart, a wider group or another kernel, is fresh.

    `worth`: (channels,) of each group, `scales` where it is not given.
    """
    worth = scales(net) if worth is None else worth
    there, here = groups(net.plan), groups(plan)
    made = TopDown(plan)
    kept = {
        name: worth[name].topk(group.count).indices.sort().values
        for name, group in here.items()
        if name in there and group.count <= there[name].count
    }
    own, given = _along(here), _along(there)
    old, new, taken = net.state_dict(), made.state_dict(), []
    places = {_role(name, net.plan): name for name in old}
    for name, value in new.items():
        source, along = places.get(_role(name, plan)), own.get(name, {})
        if source is None or along != given.get(source, {}) or not kept.keys() >= set(along.values()):
            continue
        tensor = old[source]
        for dim, group in along.items():
            tensor = tensor.index_select(dim, kept[group])
        if tensor.shape == value.shape:
            new[name] = tensor.clone()
            taken.append(name)
    if net.plan.normalised and not plan.normalised and "trunk.stages.0.0.0.weight" in taken:
        _fold_colours(new, net)
    made.load_state_dict(new)
    return made.train(net.training), taken


def _along(found: dict[str, Group]) -> dict[str, dict[int, str]]:
    """{tensor: {its dimension: the group that lies along it}}."""
    places: dict[str, dict[int, str]] = {}
    for name, group in found.items():
        for tensor, dim in group.places:
            places.setdefault(tensor, {})[dim] = name
    return places


def _role(name: str, plan: Plan) -> str:
    """What the tensor `name` of the network of `plan` does, in words that hold for every plan."""
    if name.startswith("decoder.") and not name.startswith("decoder.context"):
        _, part, k, rest = name.split(".", 3)
        return f"{part} {plan.finest + plan.first + int(k)} {rest}"
    for at in blocks(plan):
        if name.startswith(f"{at.place}."):
            layer, rest = name.removeprefix(f"{at.place}.").split(".", 1)
            return f"{at.roles[int(layer)]} {at.key} {rest}"
    return name


def _fold_colours(tensors: dict[str, Tensor], net: TopDown) -> None:
    """The first convolution takes colours as they are; exact but for the picture's border, where the padding
    is black now and was grey."""
    weight = tensors["trunk.stages.0.0.0.weight"] / net.std
    tensors["trunk.stages.0.0.0.weight"] = weight
    tensors["trunk.stages.0.0.1.running_mean"] = tensors["trunk.stages.0.0.1.running_mean"] + (
        weight * net.mean
    ).sum((1, 2, 3))
