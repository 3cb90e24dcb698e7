"""The search itself: Optuna proposes plans, each is trained shortly and its cost taken, the best are kept.

All trials lie in one journal file of the search's folder, which any number of processes append to, on one
machine or on many that share the folder: each command adds trials, and one that was stopped goes on.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .. import results
from ..nets.card import measure
from ..nets.plan import Plan, macs
from ..report.plots import Point, document, front, scatter
from ..results import Result
from .space import Space, choose
from .trial import Outcome, Trainer

COSTS = ("macs", "table", "latency", "arm64")
IN_A_ROW = 20
"""Failed trials after which a search gives up."""
Price = Callable[[Plan, tuple[int, int], Path], float]
"""(plan, size, its weights) -> cost."""


@dataclass(frozen=True)
class Cost:
    kind: str
    """Of `COSTS`."""
    words: str
    """What its numbers are."""
    price: Price


def cost_of(kind: str, *, table: Path | None = None, peers: Path | None = None, rounds: int = 60) -> Cost:
    """Raises `ValueError` where what it needs is not there."""
    if kind == "macs":
        return Cost(kind, "M multiply-adds", lambda plan, size, weights: macs(plan, size) / 1e6)
    if kind == "table":
        from .table import read

        if table is None:
            raise ValueError("--cost table needs --table: results/candidates/family.json")
        times = read(table)
        words = f"time by a table, {times.reference} = 1"
        return Cost(kind, words, lambda plan, size, weights: round(times(plan, size), 4))
    from . import measure as clock

    if kind == "arm64":
        return Cost(
            kind,
            "M instructions of an emulated Cortex-A76, in LiteRT",
            lambda plan, size, weights: clock.instructions(plan, size, _net(weights)) / 1e6,
        )
    from .. import peers as others

    against = clock.PEER if clock.PEER in others.present(others.folder(peers)) else "small"
    return Cost(
        kind,
        f"time in LiteRT, one thread, {against} = 1",
        lambda plan, size, weights: clock.latency(plan, size, peers=peers, rounds=rounds, net=_net(weights)),
    )


def _net(weights: Path) -> Any:
    from ..nets.weights import load

    return load(weights)[0]


class Search:
    """A folder with a journal. Raises `ValueError` where it belongs to another space or cost."""

    def __init__(
        self, space_file: Path, folder: Path, cost: Cost, sampler: str = "nsga2", seed: int = 0
    ) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.space_file, self.folder, self.cost = optuna, space_file, folder, cost
        self.space = Space.read(space_file)
        folder.mkdir(parents=True, exist_ok=True)
        journal = str(folder / "journal.log")
        storage = JournalStorage(JournalFileBackend(journal, JournalFileOpenLock(journal)))
        self.study = optuna.create_study(
            storage=storage,
            study_name="search",
            load_if_exists=True,
            directions=["maximize", "minimize"],
        )
        # Processes that share the journal, or go on with it, must not propose what the first one did.
        self.study.sampler = _sampler(sampler, seed + len(self.study.get_trials(deepcopy=False)))
        known = self.study.user_attrs
        for name, value in {
            "space": results.sha256(space_file),
            "init": results.sha256(self.space.init),
            "recipe": results.sha256(self.space.recipe),
            "cost": cost.words,
        }.items():
            if name not in known:
                self.study.set_user_attr(name, value)
            elif known[name] != value:
                raise ValueError(f"{folder} holds a search of another {name}: name another folder with --out")

    @property
    def done(self) -> list[Any]:
        """The finished trials, in their order."""
        return self.study.get_trials(deepcopy=False, states=(self.optuna.trial.TrialState.COMPLETE,))

    def run(self, trainer: Trainer, trials: int, step: Callable[[str], None] = lambda line: None) -> None:
        """Adds `trials` finished ones; `step` gets a line after each, also of those that failed. What Ctrl-C
        interrupts is asked again at the next start, and its training goes on."""
        state = self.optuna.trial.TrialState
        added = failed = 0
        while added < trials:
            trial = self.study.ask()
            try:
                plan, size = choose(
                    trainer.plan, trainer.about.size, self.space.vary, trial.suggest_categorical
                )
                key = key_of(plan, size)
                self._claim(trial, key)
                outcome = trainer(plan, size, self.folder / "trials" / key)
                price = self._known(key) or self.cost.price(plan, size, outcome.weights)
            except ValueError as error:  # no network, or one that diverged
                self.study.tell(trial, state=state.FAIL)
                failed += 1
                if failed == IN_A_ROW:
                    raise ValueError(f"{failed} trials in a row failed, the last one: {error}") from None
                continue
            except BaseException:
                self.study.enqueue_trial(trial.params)
                self.study.tell(trial, state=state.FAIL)
                raise
            self._tell(trial, key, plan, size, outcome, price)
            added, failed = added + 1, 0
            step(f"trial {trial.number}: {outcome.score:.2f} at {price:.4g}")

    def _tell(
        self, trial: Any, key: str, plan: Plan, size: tuple[int, int], outcome: Outcome, price: float
    ) -> None:
        trial.set_user_attr("plan", plan.write())
        trial.set_user_attr("size", list(size))
        trial.set_user_attr("scores", outcome.scores)
        trial.set_user_attr("seconds", outcome.seconds)
        self.study.tell(trial, [outcome.score, price])

    def _known(self, key: str) -> float | None:
        """The cost of the same plan in an earlier trial."""
        return next((float(t.values[1]) for t in self.done if t.user_attrs["key"] == key), None)

    def _claim(self, trial: Any, key: str) -> None:
        """Raises `ValueError` where another process is at the same plan."""
        trial.set_user_attr("key", key)
        for other in self.study.get_trials(deepcopy=False, states=(self.optuna.trial.TrialState.RUNNING,)):
            if other.number < trial.number and other.user_attrs.get("key") == key:
                raise ValueError(f"trial {other.number} is at the same plan")

    def result(self) -> Result:
        """All finished trials, as schema search/1. Raises `ValueError` where there is none."""
        found: dict[str, Any] = {}
        for trial in self.done:
            found.setdefault(trial.user_attrs["key"], trial)
        if not found:
            raise ValueError(f"{self.folder}: no trial is finished yet")
        points = [Point(key, t.values[1], (t.values[0],) * 3, peer=False) for key, t in found.items()]
        best = {point.name for point in front(points)}
        return {
            "schema": "search/1",
            "date": date.today().isoformat(),
            "commit": results.commit(),
            "machine": {"device": "cpu", "cpu": results.cpu_name()},
            "space": self.space_file.name,
            "space_sha256": self.study.user_attrs["space"],
            "init": self.space.init.name,
            "init_sha256": self.study.user_attrs["init"],
            "recipe": self.space.recipe.name,
            "recipe_sha256": self.study.user_attrs["recipe"],
            "score": self.space.score,
            "cost": self.cost.words,
            "trials": [_row(key, trial, key in best) for key, trial in found.items()],
        }

    def write(self) -> Result:
        """`front.json`, and as a plot `front.svg`, in the folder."""
        result = self.result()
        results.write(result, self.folder / "front.json")
        points = [
            Point(str(row["trial"]) if row["front"] else "", row["cost"], (row["score"],) * 3, peer=False)
            for row in result["trials"]
        ]
        plot = scatter(f"{self.space_file.stem}: {result['score']} of val", result["cost"], points)
        part = self.folder / f"front.svg.{os.getpid()}.part"
        part.write_text(document(plot), encoding="utf-8")
        part.replace(self.folder / "front.svg")
        return result


def key_of(plan: Plan, size: tuple[int, int]) -> str:
    """One name for one plan at one size, also where two sets of choices lead to it."""
    return hashlib.sha256(json.dumps([plan.write(), size]).encode()).hexdigest()[:12]


def _row(key: str, trial: Any, best: bool) -> dict[str, Any]:
    from .measure import card

    size = (int(trial.user_attrs["size"][0]), int(trial.user_attrs["size"][1]))
    plan = Plan.read(trial.user_attrs["plan"])
    counted = measure(card(plan, size).build, size)
    return {
        "trial": trial.number,
        "folder": f"trials/{key}",
        "input": f"{size[0]}x{size[1]}",
        "params": counted.params,
        "macs": counted.macs,
        "score": trial.values[0],
        "scores": trial.user_attrs["scores"],
        "cost": trial.values[1],
        "seconds": trial.user_attrs["seconds"],
        "front": best,
        "plan": plan.write(),
    }


def _sampler(name: str, seed: int) -> Any:
    import optuna

    if name == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    return optuna.samplers.NSGAIISampler(population_size=24, seed=seed)
