"""A recipe: everything that decides what a training run produces."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from .data.amounts import STANDARD, Amounts


@dataclass(frozen=True)
class Recipe:
    network: str
    """A name in the zoo, or "topdown" for one of a plan."""
    steps: int
    """Optimiser steps in all."""
    sources: dict[str, float] = field(default_factory=dict)
    """How often each source of the training shards is drawn, relative to the others. Empty: all that there
    are, each by the root of its size."""
    size: tuple[int, int] = (224, 224)
    """Height and width to train at."""
    score_size: tuple[int, int] = (256, 256)
    """Height and width to validate at."""
    batch: int = 24
    """Pictures of a step, over all devices."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or SGD with a momentum of 0.9."""
    lr: float = 1e-3
    """The highest learning rate."""
    schedule: Literal["cosine", "poly"] = "cosine"
    """How `lr` falls: along a cosine to a hundredth, or to zero as (1 - share done) to the power 0.9."""
    trunk_lr: float = 1.0
    """Factor on `lr` for layers that start from `init`; with 0 they stay as they are."""
    warmup: int = 300
    """Steps over which `lr` rises from zero."""
    weight_decay: float = 1e-4
    ema: float = 0.998
    """Share of the averaged weights that each step keeps; what is saved are the averaged ones."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    freeze_norms: bool = False
    """Batch norms stay as `init` has them: their statistics, scales and shifts."""
    quantise_aware: bool = False
    """Train with the rounding of an int8 file in place, so that the weights lose less by it. They are to be
    trained already (`init`); batch norms keep their statistics."""
    init: str = ""
    """Weights to start from: a .safetensors file beside the recipe; empty: fresh."""
    plan: dict[str, Any] = field(default_factory=dict)
    """Of `topdown`: its widths, as docs/search.md writes them; empty: that of `init`."""
    teacher: str = ""
    """What to distil from: a .safetensors, .onnx or .tflite file beside the recipe; empty: labels only."""
    losses: dict[str, float] = field(default_factory=lambda: {"mask": 1.0, "boundary": 0.5, "overlap": 0.5})
    """Weight of each loss, by its name in `losses`."""
    augment: Amounts = STANDARD
    """How much of each augmentation step, by its name in `data/amounts.py`; steps not named are off."""
    validate_every: int = 500
    """Steps between validations, which is also where checkpoints are written."""
    logger: Literal["tensorboard", "wandb", "mlflow"] = "tensorboard"
    """Where curves and sample pictures go."""
    terms: str = "see the data's own terms"
    """What the trained weights may be used for, because of the data."""
    seed: int = 0

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """The recipe of one network.

        Raises `ValueError` on a key that does not exist, a missing one, or a value of the wrong kind.
        """
        return cls._of(path, _table(path))

    @classmethod
    def read_board(cls, path: Path) -> list["Recipe"]:
        """One recipe for each of a board's networks: `network = ["small", "enet"]`. Raises as `read` does."""
        table = _table(path)
        if not is_board(path):
            raise ValueError(f"{path} trains one network; a board names several: network = [...]")
        names = table["network"]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{path}: {', '.join(twice)}: named twice in `network`")
        return [cls._of(path, table | {"network": name}) for name in names]

    def changed(self, seed: int | None = None, limit_steps: int | None = None) -> "Recipe":
        """With another seed; with at most `limit_steps` steps, over which the rate rises and falls."""
        steps = min(self.steps, limit_steps or self.steps)
        warmup = self.warmup if steps == self.steps else min(self.warmup, steps // 10)
        return replace(
            self,
            seed=self.seed if seed is None else seed,
            steps=steps,
            warmup=warmup,
            validate_every=min(self.validate_every, steps),
        )

    @classmethod
    def _of(cls, path: Path, table: dict[str, Any]) -> "Recipe":
        known = {f.name: f for f in fields(cls)}
        for key in table.keys() - known.keys():
            if key in Amounts.__dataclass_fields__:
                raise ValueError(f"{path}: {key!r} stands in a table: augment = {{ {key} = {table[key]} }}")
            raise ValueError(f"{path}: unknown key {key!r}, {_hint(key, known, 'keys')}")
        for key in ("network", "steps"):
            if key not in table:
                raise ValueError(f"{path}: the key {key!r} is missing")
        return cls(**{key: _checked(path, key, known[key].type, value) for key, value in table.items()})


def is_board(path: Path) -> bool:
    """Whether the recipe is for several networks, alike in all else."""
    names = _table(path).get("network")
    return isinstance(names, list) and len(names) > 0 and all(isinstance(name, str) for name in names)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None


def _hint(name: str, known: Iterable[str], what: str) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known {what}: {', '.join(known)}"


def _amounts(path: Path, table: dict[str, Any]) -> Amounts:
    known = [f.name for f in fields(Amounts)]
    for name, amount in table.items():
        if name not in known:
            raise ValueError(f"{path}: augment has no step {name!r}, {_hint(name, known, 'steps')}")
        if type(amount) not in (int, float) or not 0 <= amount <= 1:
            raise ValueError(f"{path}: {name} in augment must lie between 0 and 1, not {amount!r}")
    return Amounts(**{name: float(amount) for name, amount in table.items()})


def _checked(path: Path, key: str, kind: Any, value: Any) -> Any:
    """`value` as the type that the field declares, or `ValueError`."""
    if kind is float and type(value) is int:
        return float(value)
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise ValueError(f"{path}: {key} must be one of {', '.join(get_args(kind))}, not {value!r}")
    if kind in (int, float, str, bool) and type(value) is kind:
        return value
    if kind == tuple[int, int] and isinstance(value, list) and [type(v) for v in value] == [int, int]:
        return tuple(value)
    if (
        kind == dict[str, float]
        and isinstance(value, dict)
        and all(isinstance(v, int | float) for v in value.values())
    ):
        return {name: float(weight) for name, weight in value.items()}
    if kind is Amounts and isinstance(value, dict):
        return _amounts(path, value)
    if kind == dict[str, Any] and isinstance(value, dict):
        return value
    wanted = kind.__name__ if isinstance(kind, type) else str(kind)
    raise ValueError(f"{path}: {key} must be {wanted}, not {value!r}")
