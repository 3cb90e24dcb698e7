"""Draws docs/*.svg from results/: what a mask is worth against what it costs.

    python scripts/plots.py            # write
    python scripts/plots.py --check    # exit 1 where a drawing is not what the results say

A model is drawn where both its score and its cost are known: MACs are those of the zoo at the size that the
score was measured at, so other systems have none; times are those of results/latency/peers.json. The
leaderboard has plots of its own, board-*.svg, from results/latency/board.json.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fastportrait import results
from fastportrait.metrics import LABELS
from fastportrait.report.board import COSTS, Row
from fastportrait.report.board import rows as board_rows
from fastportrait.report.plots import Point, document, scatter

ROOT = Path(__file__).parents[1]
SPLIT = "test"
BOARD_SPLIT = "val"
"""What the board's networks are ranked by: choices are made on it, and it has more pictures than test."""
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
    return made | board(root)


def board(root: Path) -> dict[Path, str]:
    """The leaderboard's: its own networks on `BOARD_SPLIT`, and against time other systems too, which the
    front leaves out: they were trained for longer, on other pictures."""
    trained = [row for row in board_rows(root) if row.trained]
    timed = root / COSTS
    others = results.read(timed)["peers"] if timed.exists() else []
    made = {}
    for metric in METRICS:
        for name, words in (("macs", "M MACs at 256 x 256"), ("ms", "ms a frame, one x86 thread")):
            ours = [
                Point(
                    row.name, row.macs / 1e6 if name == "macs" else row.ms, mean_of_seeds(row, metric), False
                )
                for row in trained
                if row.macs and row.ms == row.ms
            ]
            peers = [] if name == "macs" else [p for o in others for p in peer(root, o, metric)]
            if ours:
                title = f"Leaderboard, short schedule: {LABELS[metric][0]} on {BOARD_SPLIT} against {words}"
                path = root / "docs" / f"board-{metric.replace('_', '-')}-{name}.svg"
                made[path] = document(scatter(title, words, [*ours, *peers], ours))
    return made


def mean_of_seeds(row: Row, metric: str) -> tuple[float, float, float]:
    """In the table's units; the interval is the first seed's."""
    first, factor = row.scores[BOARD_SPLIT][0][metric], LABELS[metric][1]
    return factor * row.score(BOARD_SPLIT, metric), factor * first["low"], factor * first["high"]


def peer(root: Path, row: dict[str, Any], metric: str) -> list[Point]:
    """One point, or none where it has not been measured on the board's split."""
    path = root / "results" / "accuracy" / "peers" / f"{row['name']}-{BOARD_SPLIT}.json"
    if not path.exists():
        return []
    return [Point(row["name"], row["cpu_ms"], value(results.read(path), metric), True)]


def accuracy(root: Path) -> dict[str, tuple[Any, bool]]:
    """{model: its result on SPLIT, whether it is somebody else's}."""
    folder = root / "results" / "accuracy"
    found = {path: results.read(path) for path in sorted(folder.rglob("*.json"))}
    return {
        result["model"]["name"]: (result, "peers" in path.relative_to(folder).parts)
        for path, result in found.items()
        if result["schema"] == "accuracy/1"
        and result["data"]["split"] == SPLIT
        and path.parent.name != "board"
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
