"""Draws docs/*.svg from results/: what a mask is worth against what it costs.

    python scripts/plots.py            # write
    python scripts/plots.py --check    # exit 1 where a drawing is not what the results say

A model is drawn where both its score and its cost are known: MACs are those of the zoo at the size that the
score was measured at, so other systems have none; times are those of results/latency/peers.json.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fastportrait import results
from fastportrait.metrics import LABELS
from fastportrait.report.plots import Point, document, scatter

ROOT = Path(__file__).parents[1]
SPLIT = "test"
METRICS = ("boundary_iou", "iou")


def drawings(root: Path) -> dict[Path, str]:
    """Every file that this script keeps, and what it should hold; none for a plot without a point."""
    measured = accuracy(root)
    costs = {"macs": ("M MACs", macs(root, measured)), "ms": ("ms a frame, one x86 thread", times(root))}
    made = {}
    for metric in METRICS:
        for name, (words, cost) in costs.items():
            known = {model: result for model, (result, _) in measured.items() if model in cost}
            points = [
                Point(model, cost[model], value(result, metric), measured[model][1])
                for model, result in known.items()
            ]
            if points:
                title = f"{LABELS[metric][0]} on {SPLIT}, 95 % intervals, against {words}"
                path = root / "docs" / f"{metric.replace('_', '-')}-{name}.svg"
                made[path] = document(scatter(title, words, points))
    return made


def accuracy(root: Path) -> dict[str, tuple[Any, bool]]:
    """{model: its result on SPLIT, whether it is somebody else's}."""
    folder = root / "results" / "accuracy"
    found = {path: results.read(path) for path in sorted(folder.rglob("*.json"))}
    return {
        result["model"]["name"]: (result, "peers" in path.relative_to(folder).parts)
        for path, result in found.items()
        if result["schema"] == "accuracy/1" and result["data"]["split"] == SPLIT
    }


def value(result: Any, metric: str) -> tuple[float, float, float]:
    score, factor = result["scores"][metric], LABELS[metric][1]
    return factor * score["value"], factor * score["low"], factor * score["high"]


def macs(root: Path, measured: dict[str, tuple[Any, bool]]) -> dict[str, float]:
    """Millions, of our networks at the size that each was measured at."""
    zoo = json.loads((root / "src/fastportrait/weights/zoo.json").read_text(encoding="utf-8"))["networks"]
    known = {network["name"]: network for network in zoo}
    found = {}
    for name, (result, peer) in measured.items():
        network = known.get(result["model"]["network"])
        if peer or network is None:
            continue
        height, width = (int(side) for side in result["model"]["input"].split("x"))
        if [height, width] == network["size"]:
            found[name] = network["macs"] / 1e6
        else:
            found[name] = counted(network["name"], (height, width)) / 1e6
    return found


def counted(network: str, size: tuple[int, int]) -> int:
    from fastportrait.nets import ZOO
    from fastportrait.nets.card import measure

    card = ZOO[network]
    return measure(card.phone or card.build, size).macs


def times(root: Path) -> dict[str, float]:
    """CPU milliseconds of a network in its fastest runtime, of all timed side by side on one thread."""
    path = root / "results" / "latency" / "peers.json"
    if not path.exists():
        return {}
    result = results.read(path)
    found: dict[str, float] = {}
    for row in (row for row in result["models"] if row["threads"] == 1):
        taken = row["cpu_ms"]["median"]
        found[row["name"]] = min(taken, found.get(row["name"], taken))  # in its fastest runtime
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 where a drawing is old")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder that holds results/ and docs/")
    given = parser.parse_args()
    old = 0
    for path, text in drawings(given.root).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        old += 1
        if given.check:
            print(f"{path}: out of date, run python scripts/plots.py", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path}: written")
    return 1 if old and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
