"""The tables of docs/leaderboard.md and docs/findings.md for tables.py."""

from math import isnan
from pathlib import Path

from fastportrait.metrics import number
from fastportrait.report.board import Row
from fastportrait.report.board import rows as board_rows
from table_parts import measured, table, zoo


def board(root: Path) -> str:
    """The leaderboard, from results/: every network of its recipe, trained or not."""
    found = board_rows(root)
    longer = measured(root, "val", peers=False)
    rows = []
    for place, row in enumerate(found, 1):
        name = f"[{row.name}](zoo/{_module(root, row.name)}.md)"
        cost = _cost(row)
        scores = [
            _score(row, split, metric)
            for split, metric in (
                ("val", "iou"),
                ("val", "boundary_iou"),
                ("val", "mad"),
                ("test", "iou"),
                ("test", "boundary_iou"),
            )
        ]
        if not row.trained:
            scores = ["not trained yet", *[""] * 4]
        other = longer.get(row.name)
        more = ", ".join(number(m, other[m]["value"]) for m in ("iou", "boundary_iou")) if other else ""
        rows.append([str(place) if row.trained else "", name, *cost, *scores, more])
    heads = ["", "network", "M parameters", "M MACs", "ms", "val: IoU %", "val: boundary %", "val: MAD"]
    return table([*heads, "test: IoU %", "test: boundary %", "its own recipe, val"], rows)


def board_top(root: Path, most: int = 10) -> str:
    """The ten best of the leaderboard, for the README."""
    rows = [
        [
            row.name,
            *_cost(row),
            *(_score(row, "val", metric) for metric in ("iou", "boundary_iou")),
        ]
        for row in board_rows(root)
        if row.trained
    ]
    heads = ["network", "M parameters", "M MACs", "ms, one thread", "val: IoU %", "boundary IoU %"]
    return table(heads, rows[:most])


def board_schedule(root: Path) -> str:
    """What the leaderboard's networks were trained on, and how fast."""
    rows = []
    for row in sorted((r for r in board_rows(root) if r.record), key=lambda r: r.macs):
        record = row.record
        assert record is not None
        rate, alone = record["images_per_second"], record["network_images_per_second"]
        pictures = record["steps"] * record["batch"]
        machine = f"{record['machine']['threads']} x {record['machine']['cpu']}, {record['precision']}"
        name = row.name if record["seed"] == 0 else f"{row.name}, seed {record['seed']}"
        rows.append(
            [
                name, f"{record['steps']:,}", f"{pictures:,}", f"{record['epochs']:.2f}",
                f"{rate:.1f}", f"{alone:.1f}", f"{min(1.0, rate / alone):.0%}", machine,
            ]
        )  # fmt: skip
    heads = ["network", "steps", "pictures", "epochs", "images/s", "network alone", "share", "threads"]
    return table(heads, rows)


def board_speed(root: Path) -> str:
    """How far MACs tell the time of the board's networks, the dearest MAC first."""
    found = [row for row in board_rows(root) if row.ms == row.ms]
    rows = [
        [row.name, f"{row.macs / 1e6:,.0f}", f"{row.ms:.1f}", f"{row.ms / (row.macs / 1e9):.0f}"]
        for row in sorted(found, key=lambda row: -row.ms / row.macs)
    ]
    return table(["network", "M MACs", "ms, one thread", "ms a G MAC"], rows)


def board_plots(root: Path) -> str:
    """The drawings of the leaderboard that there are, made by scripts/plots.py."""
    drawn = []
    for score, metric in (("Boundary IoU", "boundary-iou"), ("Person IoU", "iou")):
        for cost, name in (("MACs", "macs"), ("time", "ms")):
            file = f"board-{metric}-{name}.svg"
            if (root / "docs" / file).exists():
                drawn.append(f"![{score} against {cost}]({file})\n")
    return "\n".join(drawn) or "None yet: nothing is trained.\n"


def _score(row: Row, split: str, metric: str) -> str:
    """The mean of the seeds, and how far they lie apart where there are several."""
    value, spread = row.score(split, metric), row.spread(split, metric)
    if isnan(value):
        return ""
    return number(metric, value) + ("" if isnan(spread) else f" (seeds: {number(metric, spread)} apart)")


def _cost(row: Row) -> tuple[str, str, str]:
    """Empty where it has not been measured."""
    if not row.macs:
        return "", "", ""
    return f"{row.params / 1e6:.2f}", f"{row.macs / 1e6:,.0f}", f"{row.ms:.1f}"


def _module(root: Path, name: str) -> str:
    return str(next(n["module"] for n in zoo(root)["networks"] if n["name"] == name))
