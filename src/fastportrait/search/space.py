"""What a search may vary: a TOML file of choices around the plan of trained weights.

init = "small.safetensors"      # beside the file: all plans inherit from it
recipe = "proxy.toml"           # beside the file: how each is trained, shortly
score = "iou"                   # of val: iou or boundary_iou
[vary]
size = [[256, 256], [224, 224]]
stem = [16, 24, 32]
hidden = [0.5, 0.75, 1.0]       # of each block's hidden channels, each block by itself
stream = [0.75, 1.0]            # of the channels that each row of blocks carries
decoder = [0.5, 0.75, 1.0]      # of the decoder's channels at each stride
last = [8, 16]
blocks = [1, 2, 3]              # at most so many of each row of blocks
first = [0, 1]                  # finest stage that the decoder sees
head = [1, 3]
normalised = [false]
fine_blocks = [true, false]     # whether the blocks at the finest stage stay
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..nets.inherit import blocks, groups, narrowed
from ..nets.plan import Plan

Ask = Callable[[str, Sequence[Any]], Any]
"""(name of a parameter, its choices) -> one of them: what Optuna's `suggest_categorical` does."""


@dataclass(frozen=True)
class Choices:
    """Each a list; a key that is not given leaves what the weights have."""

    size: tuple[tuple[int, int], ...] = ()
    """Height and width."""
    stem: tuple[int, ...] = ()
    hidden: tuple[float, ...] = ()
    """Shares of what the weights have, rounded to multiples of eight."""
    stream: tuple[float, ...] = ()
    decoder: tuple[float, ...] = ()
    last: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    first: tuple[int, ...] = ()
    fine_blocks: tuple[bool, ...] = ()
    """Whether the blocks at the finest stage stay."""
    head: tuple[int, ...] = ()
    normalised: tuple[bool, ...] = ()


KINDS: dict[str, type] = {
    "stem": int, "hidden": float, "stream": float, "decoder": float, "last": int, "blocks": int, "first": int,
    "fine_blocks": bool, "head": int, "normalised": bool,
}  # fmt: skip


@dataclass(frozen=True)
class Space:
    init: Path
    recipe: Path
    score: str = "iou"
    vary: Choices = field(default_factory=Choices)

    @classmethod
    def read(cls, path: Path) -> "Space":
        """Raises `ValueError` naming what is wrong in the file."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path}: {error}") from None
        _known(path, table, [f.name for f in fields(cls)], "keys")
        for key in ("init", "recipe"):
            if not isinstance(table.get(key), str):
                raise ValueError(f"{path}: {key} names a file beside this one")
            if not (path.parent / table[key]).is_file():
                raise ValueError(f"{path}: {key} = {table[key]!r}: no such file beside it")
        score = table.get("score", "iou")
        if score not in ("iou", "boundary_iou"):
            raise ValueError(f"{path}: score is iou or boundary_iou, not {score!r}")
        vary = table.get("vary", {})
        if not isinstance(vary, dict) or not vary:
            raise ValueError(f"{path}: a table [vary] says what is varied")
        _known(path, vary, [f.name for f in fields(Choices)], "of [vary]")
        choices = {key: _choices(path, key, value) for key, value in vary.items()}
        return cls(path.parent / table["init"], path.parent / table["recipe"], score, Choices(**choices))


def choose(plan: Plan, size: tuple[int, int], vary: Choices, ask: Ask) -> tuple[Plan, tuple[int, int]]:
    """A plan of the space around `plan`, and the size to run it at, by what `ask` chooses.

    Raises `ValueError` where the choices make no network, as of an image that is no multiple of its strides.
    """

    def one(name: str, choices: Sequence[Any], otherwise: Any) -> Any:
        return ask(name, choices) if choices else otherwise

    # Everything is asked of every plan, for a parameter that only some have would be drawn blindly.
    fine = one("fine_blocks", vary.fine_blocks, True)
    most = {key: ask(f"blocks {key}", vary.blocks) for key in _rows(plan)} if vary.blocks else {}
    counts = {}
    for name, group in groups(plan).items():
        kind = name.split()[0]
        shares = {"hidden": vary.hidden, "stream": vary.stream, "decoder": vary.decoder}.get(kind, ())
        if shares:
            counts[name] = _eights(group.count * ask(name, shares))
    counts["stem"] = one("stem", vary.stem, plan.stem)
    counts["last"] = one("last", vary.last, plan.last or plan.widths[0])
    plan = _shorter(narrowed(plan, counts), most)
    if not fine:
        plan = replace(plan, stages=((), *plan.stages[1:]))
    first = one("first", vary.first, plan.first)
    if not plan.first <= first < len(plan.stages):
        raise ValueError(f"first = {first}: the decoder of the weights begins at stage {plan.first}")
    plan = replace(
        plan,
        widths=plan.widths[first - plan.first :],
        head=one("head", vary.head, plan.head),
        normalised=one("normalised", vary.normalised, plan.normalised),
    )
    at = one("size", ["x".join(map(str, s)) for s in vary.size], f"{size[0]}x{size[1]}").split("x")
    height, width = int(at[0]), int(at[1])
    if height % plan.multiple or width % plan.multiple:
        raise ValueError(f"size {height} x {width}: sides must be multiples of {plan.multiple}")
    return plan, (height, width)


def _rows(plan: Plan) -> list[str]:
    """The rows of blocks that have shortcuts, and so blocks that can be left out."""
    return sorted({f"{at.level}.{at.row}" for at in blocks(plan) if at.shortcut})


def _shorter(plan: Plan, most: dict[str, int]) -> Plan:
    """With at most so many blocks in each row, the first ones."""
    stages: list[list[Any]] = [[] for _ in plan.stages]
    for at in blocks(plan):
        if at.turn < max(1, most.get(f"{at.level}.{at.row}", at.turn + 1)):
            stages[at.stage].append(at.block)
    return replace(plan, stages=tuple(map(tuple, stages)))


def _eights(channels: float) -> int:
    return max(8, round(channels / 8) * 8)


def _known(path: Path, table: dict[str, Any], known: list[str], what: str) -> None:
    for key in table.keys() - set(known):
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known {what}: {', '.join(known)}"
        raise ValueError(f"{path}: unknown key {key!r}, {hint}")


def _choices(path: Path, key: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{path}: {key} in [vary] is a list of choices, not {value!r}")
    if key == "size":
        if all(isinstance(s, list) and [type(n) for n in s] == [int, int] for s in value):
            return tuple(tuple(s) for s in value)
        raise ValueError(f"{path}: size in [vary] is a list of [height, width], not {value!r}")
    kind = KINDS[key]
    numbers = [float(v) if kind is float and type(v) is int else v for v in value]
    if any(type(v) is not kind for v in numbers) or (kind is float and not all(0 < v <= 1 for v in numbers)):
        words = {int: "whole numbers", float: "shares above 0, up to 1", bool: "true or false"}[kind]
        raise ValueError(f"{path}: {key} in [vary] holds {words}, not {value!r}")
    return tuple(numbers)
