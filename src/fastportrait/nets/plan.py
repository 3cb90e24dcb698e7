"""A top-down network as plain numbers: what each of its layers is wide, and so what it costs.

A plan is all that is needed to build the network; it travels in the header of a weights file (weights.py) and
in a recipe, and search varies it. Nothing is computed here, and no torch is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from math import prod
from typing import Any, NamedTuple

WIDEST, MOST_BLOCKS, MOST_STAGES = 2048, 16, 6
"""Channels of a layer, blocks of a stage, and stages: a plan out of somebody's file may ask for no more."""


@dataclass(frozen=True)
class Block:
    """An inverted residual."""

    hidden: int
    """Channels of its depthwise filter; 0: it filters what comes in, unexpanded."""
    channels: int
    """That it gives."""
    full: bool = False
    """Expands by a plain 3x3 convolution instead, which also filters: M. Tan and Q. Le, "EfficientNetV2",
    2021, fig. 2. https://arxiv.org/abs/2104.00298"""


@dataclass(frozen=True)
class Plan:
    """See `TopDown`. The layers of stage i lie at stride `patch` x 2^i."""

    stem: int
    """Channels of the first convolution."""
    stages: tuple[tuple[Block, ...], ...]
    """From fine to coarse; the first block of each but the first has stride 2. The first may be empty."""
    widths: tuple[int, ...]
    """Channels of the decoder at the coarsest stages, from fine to coarse; where there are fewer, it leaves
    out the finest ones."""
    last: int = 0
    """Channels that the head sees; 0: as many as `widths[0]`."""
    top: int = 0
    """How many of the last stages do not belong to the trunk that other networks start from."""
    patch: int = 2
    """Stride of the first convolution: 2 with a kernel of 3, or 4 with one of 5."""
    head: int = 3
    """Kernel of the last convolution: 1 or 3."""
    normalised: bool = True
    """Whether colours are normalised first; without it the first convolution does that, one pass less."""

    def __post_init__(self) -> None:
        """Raises `ValueError` where no network can be built so, or only a huge one."""
        _within("stem", self.stem, 1, WIDEST)
        if not 1 <= len(self.stages) <= MOST_STAGES:
            raise ValueError(f"a plan has 1 to {MOST_STAGES} stages, not {len(self.stages)}")
        for i, blocks in enumerate(self.stages):
            _within(f"blocks of stages[{i}]", len(blocks), min(i, 1), MOST_BLOCKS)
            for block in blocks:
                _within(f"hidden in stages[{i}]", block.hidden, 0, WIDEST)
                _within(f"channels in stages[{i}]", block.channels, 1, WIDEST)
                if block.full and not block.hidden:
                    raise ValueError(f"stages[{i}]: a full block needs hidden channels")
        if not 1 <= len(self.widths) <= len(self.stages):
            raise ValueError(f"widths are 1 to {len(self.stages)}, as there are stages: {len(self.widths)}")
        for width in self.widths:
            _within("widths", width, 1, WIDEST)
        _within("last", self.last, 0, WIDEST)
        _within("top", self.top, 0, len(self.stages) - 1)
        if self.patch not in (2, 4) or self.head not in (1, 3):
            raise ValueError(f"patch is 2 or 4 and head 1 or 3, not {self.patch} and {self.head}")

    @property
    def multiple(self) -> int:
        """Height and width of an image are multiples of this."""
        return self.patch * 2 ** (len(self.stages) - 1)

    @property
    def first(self) -> int:
        """The finest stage that the decoder sees."""
        return len(self.stages) - len(self.widths)

    @property
    def shuffle(self) -> int:
        """Stride at which the decoder ends, and side of the square of logits that the head gives there."""
        return int(self.patch * 2**self.first)

    @property
    def finest(self) -> int:
        """What stage 0 is called where plans of two strides are compared: 0 at stride 2, 1 at stride 4."""
        return self.patch // 4

    @property
    def channels(self) -> list[int]:
        """Of the map that each stage gives."""
        return [blocks[-1].channels if blocks else self.stem for blocks in self.stages]

    def shortcut(self, stage: int, turn: int) -> bool:
        """Whether the block adds what comes in: not where a stage begins, nor where the channels change."""
        blocks = self.stages[stage]
        return turn > 0 and blocks[turn].channels == blocks[turn - 1].channels

    @classmethod
    def read(cls, table: Any) -> "Plan":
        """A plan from JSON or TOML, as `write` gives it. Raises `ValueError` on anything else."""
        if not isinstance(table, dict):
            raise ValueError(f"a plan is a table, not {type(table).__name__}")
        fields = dict(table)
        known = cls.__dataclass_fields__
        for key in fields:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise ValueError(f"a plan has no {key!r}, {hint}")
        for key in ("stem", "stages", "widths"):
            if key not in fields:
                raise ValueError(f"the plan lacks {key!r}")
        for key in ("stem", "last", "top", "patch", "head"):
            if type(fields.get(key, 0)) is not int:
                raise ValueError(f"{key} in a plan is a whole number, not {fields[key]!r}")
        if type(fields.get("normalised", True)) is not bool:
            raise ValueError(f"normalised in a plan is true or false, not {fields['normalised']!r}")
        widths = fields["widths"]
        if not isinstance(widths, list | tuple) or any(type(w) is not int for w in widths):
            raise ValueError(f"widths in a plan is a list of whole numbers, not {widths!r}")
        stages = fields["stages"]
        if not isinstance(stages, list | tuple) or not all(isinstance(s, list | tuple) for s in stages):
            raise ValueError("stages in a plan is a list of lists of blocks")
        fields["stages"] = tuple(tuple(_block(block) for block in stage) for stage in stages)
        return cls(**{**fields, "widths": tuple(widths)})

    def write(self) -> dict[str, Any]:
        """As plain numbers: a block is [hidden, channels], a full one [hidden, channels, 3]."""
        return {
            "stem": self.stem,
            "stages": [
                [[b.hidden, b.channels, 3] if b.full else [b.hidden, b.channels] for b in blocks]
                for blocks in self.stages
            ],
            "widths": list(self.widths),
            "last": self.last,
            "top": self.top,
            "patch": self.patch,
            "head": self.head,
            "normalised": self.normalised,
        }


class Layer(NamedTuple):
    """What one layer does, for those who count."""

    kind: str
    """stem, full (3x3), point (1x1), depth (depthwise 3x3), head, double (a resize), pool."""
    ins: int
    outs: int
    """Channels."""
    kernel: int
    pixels: int
    """Of the map that it gives."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates; a resize has none."""
        if self.kind == "double":
            return 0
        return self.pixels * self.kernel**2 * (1 if self.kind == "depth" else self.ins) * self.outs


def layers(plan: Plan, size: tuple[int, int]) -> Iterator[Layer]:
    """Every convolution and resize of the network at (height, width)."""
    area, ins = prod(side // plan.patch for side in size), plan.stem
    yield Layer("stem", 3, plan.stem, 3 if plan.patch == 2 else 5, area)
    areas = []
    for i, blocks in enumerate(plan.stages):
        for j, block in enumerate(blocks):
            before, area = area, area // 4 if i and not j else area
            hidden = block.hidden or ins
            if block.full:
                yield Layer("full", ins, hidden, 3, area)
            else:
                if block.hidden:
                    yield Layer("point", ins, hidden, 1, before)
                yield Layer("depth", hidden, hidden, 3, area)
            yield Layer("point", hidden, block.channels, 1, area)
            ins = block.channels
        areas.append(area)
    seen = list(zip(plan.channels, areas, strict=True))[plan.first :]
    for (channels, pixels), width in zip(seen, plan.widths, strict=True):
        yield Layer("point", channels, width, 1, pixels)
    yield Layer("pool", plan.widths[-1], plan.widths[-1], 1, 1)
    finer = (plan.last or plan.widths[0], *plan.widths[:-1])
    for turn, ((_, pixels), width, next_width) in enumerate(zip(seen, plan.widths, finer, strict=True)):
        yield Layer("depth", width, width, 3, pixels)
        yield Layer("point", width, next_width, 1, pixels)
        if turn:
            yield Layer("double", next_width, next_width, 2, 4 * pixels)
    yield Layer("head", finer[0], plan.shuffle**2, plan.head, seen[0][1])


def macs(plan: Plan, size: tuple[int, int]) -> int:
    """Multiply-accumulates of one image of (height, width), as `card.measure` counts them."""
    return sum(layer.macs for layer in layers(plan, size))


def _block(entry: Any) -> Block:
    numbers = isinstance(entry, list | tuple) and all(type(n) is int for n in entry)
    if not numbers or len(entry) not in (2, 3) or entry[2:] not in ([], (), [3], (3,)):
        raise ValueError(f"a block is [hidden, channels], or [hidden, channels, 3], not {entry!r}")
    return Block(entry[0], entry[1], full=len(entry) == 3)


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be {least} to {most}, not {value}")
