"""One trial of a search: a plan that inherits its weights, trained shortly and scored on val."""

import json
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ..nets.inherit import inherit, scales
from ..nets.plan import Plan
from ..nets.topdown import TopDown
from ..nets.weights import PLANNED, load, save
from ..recipe import Recipe
from ..train.fit import Machine, Portraits, check, fit
from ..train.fit import load as load_portraits
from .space import Space
from .worth import pictures, worth


@dataclass(frozen=True)
class Outcome:
    score: float
    """Of val, in %."""
    scores: dict[str, float]
    weights: Path
    seconds: float


class Trainer:
    """Trains plans by the space's recipe; pictures are read once, what channels are worth is asked once."""

    def __init__(
        self, space: Space, data: Path, machine: Machine, *, judged: int = 128, val: int | None = None
    ) -> None:
        """Channels are judged on `judged` pictures of train, by their norms where it is 0; networks on `val`
        pictures of val, spread evenly over it, or on all."""
        net, self.about = load(space.init)
        if type(net) is not TopDown:
            raise ValueError(f"{space.init} holds {self.about.network}: searched are top-down networks")
        self.net, self.space, self.data, self.machine = net, space, data, machine
        self.judged, self.val = judged, val
        self.recipe = Recipe.read(space.recipe)
        if self.recipe.network != PLANNED or self.recipe.plan or self.recipe.init:
            raise ValueError(
                f'{space.recipe}: the recipe of a search has network = "{PLANNED}" and neither plan nor init'
            )

    @property
    def plan(self) -> Plan:
        """What choices are around."""
        return self.net.plan

    @cached_property
    def worth(self) -> dict[str, torch.Tensor]:
        if not self.judged:
            return scales(self.net)
        return worth(self.net, pictures(self.data, self.about.size, self.judged))

    @cached_property
    def portraits(self) -> Portraits:
        found = load_portraits(self.data, self.recipe.sources)
        if self.val is None or self.val >= len(found.val):
            return found
        step = len(found.val) / self.val
        return replace(found, val=[found.val[int(i * step)] for i in range(self.val)])

    def __call__(self, plan: Plan, size: tuple[int, int], folder: Path) -> Outcome:
        """Trains in `folder`, where one that was stopped goes on. Raises `ValueError` where it diverges."""
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / "outcome.json"
        run = folder / "run"
        weights = run / f"{PLANNED}.safetensors"
        if not done.is_file():
            begun = time.perf_counter()
            start = folder / "inherited.safetensors"
            if not start.is_file():
                made, _ = inherit(self.net, plan, self.worth)
                about = replace(self.about, network=PLANNED, size=size, plan=plan.write(), scores={})
                save(made, about, start)
            recipe_file = folder / self.space.recipe.name  # what it names lies there
            at = self._size(size)
            recipe = replace(
                self.recipe,
                plan=plan.write(),
                init=start.name,
                size=at,
                score_size=size,
                teacher=self._teacher,
            )
            check(recipe, recipe_file, self.machine)
            _, record = fit(recipe, recipe_file, lambda: self.portraits, run, self.machine)
            seconds = round(time.perf_counter() - begun, 1)
            partial = done.with_suffix(".part")
            partial.write_text(json.dumps({"scores": record["scores"], "seconds": seconds}))
            partial.replace(done)
        outcome: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return Outcome(outcome["scores"][self.space.score], outcome["scores"], weights, outcome["seconds"])

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        """What to train at: the recipe's size, as much smaller as `size` is smaller than its score_size."""
        step = self.plan.multiple
        sides = zip(self.recipe.size, size, self.recipe.score_size, strict=True)
        height, width = (max(step, round(t * s / full / step) * step) for t, s, full in sides)
        return height, width

    @property
    def _teacher(self) -> str:
        """From any trial's folder."""
        return str((self.space.recipe.parent / self.recipe.teacher).resolve()) if self.recipe.teacher else ""
