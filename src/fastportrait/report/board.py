"""The leaderboard's rows: what each network of recipes/leaderboard.toml costs, and what its training gave."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from statistics import mean
from typing import Any

from .. import results
from ..recipe import Recipe

RECIPE = Path("recipes/leaderboard.toml")
COSTS = Path("results/latency/board.json")
SCORES = Path("results/accuracy/board")
RECORDS = Path("results/training")


@dataclass(frozen=True)
class Row:
    name: str
    params: int = 0
    macs: int = 0
    """At the board's size."""
    ms: float = nan
    """CPU milliseconds of the network alone, ONNX Runtime, one thread."""
    scores: dict[str, list[dict[str, dict[str, float]]]] = field(default_factory=dict)
    """By split; of each seed the means with their intervals, as a result file has them."""
    record: dict[str, Any] | None = None
    """What its training took; None where it is not trained yet."""

    def score(self, split: str, metric: str) -> float:
        """The mean over seeds; NaN where it has not been measured."""
        found = [seed[metric]["value"] for seed in self.scores.get(split, [])]
        return mean(found) if found else nan

    def spread(self, split: str, metric: str) -> float:
        """From the worst seed to the best; NaN for a single one."""
        found = [seed[metric]["value"] for seed in self.scores.get(split, [])]
        return max(found) - min(found) if len(found) > 1 else nan

    @property
    def trained(self) -> bool:
        return bool(self.scores.get("val"))


def label(network: str, seed: int) -> str:
    """What the files of one run are called."""
    return network if seed == 0 else f"{network}-seed{seed}"


def rows(root: Path) -> list[Row]:
    """The board of the checkout `root`: what is trained by boundary IoU on val, the best first; then the rest
    by its MACs."""
    timed = root / COSTS
    costs = {row["name"]: row for row in results.read(timed)["networks"]} if timed.exists() else {}
    seeds: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((root / RECORDS).glob("*.json")):
        record = results.read(path)
        seeds.setdefault(record["network"], []).append(record)
    made = [
        _row(root, recipe.network, costs.get(recipe.network, {}), seeds.get(recipe.network, []))
        for recipe in Recipe.read_board(root / RECIPE)
    ]
    return sorted(made, key=_rank)


def _row(root: Path, name: str, cost: dict[str, Any], records: Sequence[dict[str, Any]]) -> Row:
    scores: dict[str, list[dict[str, dict[str, float]]]] = {"val": [], "test": []}
    for record in records:
        for split, found in scores.items():
            path = root / SCORES / f"{label(name, record['seed'])}-{split}.json"
            if path.exists():
                found.append(results.read(path)["scores"])
    return Row(
        name,
        cost.get("params", 0),
        cost.get("macs", 0),
        cost.get("cpu_ms", nan),
        scores,
        min(records, key=lambda record: record["seed"]) if records else None,
    )


def _rank(row: Row) -> tuple[bool, float]:
    return not row.trained, -row.score("val", "boundary_iou") if row.trained else row.macs
