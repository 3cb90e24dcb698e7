"""Writes the documents' tables from results/*.json, between `<!-- table:NAME -->` and `<!-- /table -->`.

    python scripts/tables.py            # README.md and docs/**/*.md
    python scripts/tables.py --check    # exit 1 where a table is not what the results say

Numbers are measured, never typed: change a result, run this, commit both.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import cost_tables
from fastportrait import results
from fastportrait.metrics import LABELS, number
from fastportrait.report.board import Row
from fastportrait.report.board import rows as board_rows
from fastportrait.weights import list_models

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"(<!-- table:([\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def accuracy_on(root: Path, split: str, metrics: tuple[str, ...]) -> str:
    """Every model measured on `split`, with 95 % intervals, the best first."""
    found = measured(root, split)
    rows = []
    for name in ranked(found, metrics[0]):
        cells = [name]
        for metric in metrics:
            score = found[name].get(metric)
            if score is None:  # measured before there was this metric
                cells.append("")
                continue
            value, low, high = (number(metric, score[part]) for part in ("value", "low", "high"))
            cells.append(f"{value} ({low} to {high})")
        rows.append(cells)
    return table(["model", *(LABELS[metric][0] for metric in metrics)], rows)


def accuracy(root: Path) -> str:
    """The models measured on test, and what is known of them on the other splits."""
    found = {split: measured(root, split) for split in ("test", "val", "matte", "empty")}
    rows = []
    for name in ranked(found["test"], "iou"):
        scores = [(metric, found[split].get(name, {}).get(metric)) for split, metric in ACCURACY.values()]
        rows.append([name, *(number(metric, score["value"]) if score else "" for metric, score in scores)])
    return table(["model", *ACCURACY], rows)


def models(root: Path) -> str:
    """The shipped models, from their cards."""
    rows = []
    for card in list_models():
        height, width = card["size"]
        size = f"{card['bytes'] / 1000:,.0f} kB"
        rows.append([card["name"], card["network"], f"{height} x {width}", size, card["sha256"]])
    return table(["model", "network", "input", "file", "SHA-256"], rows)


def latency(root: Path) -> str:
    """Systems side by side on one machine, from results/latency/peers.json, the fastest first."""
    result, scores = results.read(root / "results" / "latency" / "peers.json"), measured(root, "val")
    rows = []
    for row in sorted(result["models"], key=lambda row: row["ratio"]):
        known = scores.get(row["name"], {})
        spread = row["cpu_ms"]
        rows.append(
            [
                row["name"],
                row["input"],
                row["runtime"].removesuffix(", CPU"),
                f"{row['ratio']:.2f}",
                f"{spread['median']:.2f}",
                f"{spread['p5']:.2f} to {spread['p95']:.2f}",
                *(number(m, known[m]["value"]) if m in known else "" for m in ("iou", "boundary_iou")),
            ]
        )
    heads = ["network", "input", "runtime", "ratio", "ms, one thread", "5 to 95 %"]
    return table([*heads, "val: IoU %", "boundary IoU %"], rows)


def photo(root: Path) -> str:
    """Milliseconds by step on a large photo, from results/latency/photo.json."""
    result = results.read(root / "results" / "latency" / "photo.json")
    return table(["step", "ms"], [[row["name"], f"{row['cpu_ms']:.0f}"] for row in result["steps"]])


def video(root: Path) -> str:
    """A 720p video, each stage alone and all together, from results/latency/video.json."""
    result = results.read(root / "results" / "latency" / "video.json")
    stages = [stage["name"] for stage in result["models"][0]["stages"]]
    rows = []
    for row in result["models"]:
        cells = [f"{stage['frames_per_second']:.0f} ({stage['cpu_ms']:.1f})" for stage in row["stages"]]
        together = f"{row['frames_per_second']:.0f} ({row['cpu_ms']:.1f})"
        rows.append([row["name"], *cells, together, f"{row['share']:.2f}", f"{row['real_time']:.2f}"])
    machine = result["machine"]
    busy = f"\nOther work ran beside it: a load of {machine['load']:.0f} on {machine['cores']} cores.\n"
    alone = machine["load"] <= machine["cores"] + 1
    heads = ["network", *stages, "all together", "of the slowest", "of real time"]
    return table(heads, rows) + ("" if alone else busy)


def video_edges(root: Path) -> str:
    """A video's edges beside a photo's, from results/latency/video.json."""
    result = results.read(root / "results" / "latency" / "video.json")
    rows = [
        [row["name"], f"{row['mad']:.2f}", f"{row['edge_mad']:.1f}", f"{row['cpu_ms']:.1f}"]
        for row in result["edges"]
    ]
    return table(["edges", "MAD x1000", "MAD x1000 near the edge", "ms of CPU"], rows)


def video_profile(root: Path) -> str:
    """Where masking and composing take their time, from results/latency/video.json."""
    result = results.read(root / "results" / "latency" / "video.json")
    rows = [[f"`{row['name']}`", str(row["calls"]), f"{row['ms']:.2f}"] for row in result["profile"]]
    return table(["function", "calls a frame", "ms of CPU a frame"], rows)


def runtimes(root: Path) -> str:
    """The browser runtimes that the app was chosen from, from results/latency/browser.json."""
    result = results.read(root / "results" / "latency" / "browser.json")
    rows = [
        [
            f"{row['runtime']} {row['version']}",
            f"{row['model']}, {row['backend']}, {row['threads']} thread{'s' * (row['threads'] > 1)}",
            f"{row['load_gzip_bytes'] / 1e6:.1f}",
            *(
                [f"{row['ms_p50']:.0f}", f"{row['ms_best']:.0f}"]
                if not row["error"]
                else ["does not run", ""]
            ),
        ]
        for row in result["runtimes"]
    ]
    return table(["runtime", "model, backend", "MB to load", "ms, median", "best"], rows)


def candidates(root: Path) -> str:
    """What was weighed before `small` was trained, from results/candidates/decoders.json."""
    result = results.read(root / "results" / "candidates" / "decoders.json")
    rows = [
        [row["name"], f"{row['params'] / 1e3:.0f}", f"{row['macs'] / 1e6:.0f}", f"{row['ratio']:.2f}"]
        for row in result["candidates"]
    ]
    return table(["candidate", "K parameters", "M MACs", "time"], rows)


def zoo(root: Path) -> str:
    """Every network, with its page and what a phone would run of it."""
    rows = []
    for network in _zoo(root)["networks"]:
        height, width = network["size"]
        name = f"[{network['name']}](zoo/{network['module']}.md)"
        year = str(network["year"] or "")
        cost = f"{network['params']:,}", f"{network['macs'] / 1e6:,.0f}"
        rows.append([name, network["paper"], year, f"{height} x {width}", *cost])
    return table(["name", "paper", "year", "input", "parameters", "M MACs"], rows)


def zoo_counts(root: Path, module: str) -> str:
    """The builds of one paper beside what is published of them."""
    rows = []
    for build in (b for b in _zoo(root)["published"] if b["module"] == module):
        said_params, said_macs = build["published_params"], build["published_macs"]
        size = " x ".join(str(n) for n in build["image"])
        params = f"{build['params']:,}", f"{said_params:,}" if said_params else ""
        macs = f"{build['macs'] / 1e6:,.1f}", f"{said_macs / 1e6:,.1f}" if said_macs else ""
        rows.append(
            [build["name"] + (", with helper heads" if build["helpers"] else ""), size, *params, *macs]
        )
    for network in (n for n in _zoo(root)["networks"] if n["module"] == module):
        size = " x ".join(str(n) for n in (3, *network["size"]))
        rows.append(
            [f"`{network['name']}`", size, f"{network['params']:,}", "", f"{network['macs'] / 1e6:,.1f}", ""]
        )
    heads = ["build", "image", "parameters", "published", "M MACs", "published"]
    return table(heads, rows)


def _zoo(root: Path) -> Any:
    """What scripts/zoo.py wrote."""
    return json.loads((root / "src/fastportrait/weights/zoo.json").read_text(encoding="utf-8"))


def skipnet(root: Path) -> str:
    """What skipping saves in PyTorch, from results/latency/skipnet.json."""
    result = results.read(root / "results" / "latency" / "skipnet.json")
    rows = [
        [row["name"], f"{row['macs'] / 1e6:.0f}", f"{row['cpu_ms']:.1f}", f"{row['ratio']:.2f}"]
        for row in result["candidates"]
    ]
    return table(["one image, one thread", "M MACs", "ms", "ratio"], rows)


def stretch(root: Path) -> str:
    """How to fit a photo into the network's square, from results/choices/stretch.json."""
    result = results.read(root / "results" / "choices" / "stretch.json")
    names = ("iou", "boundary_iou", "odd_iou", "odd_boundary_iou")
    rows = [[row["stretch"], *(f"{100 * row[name]:.2f}" for name in names)] for row in result["rows"]]
    heads = [
        "proportions may change by",
        "person IoU %",
        "boundary IoU %",
        "odd third: IoU %",
        "boundary IoU %",
    ]
    return table(heads, rows)


def presence(root: Path) -> str:
    """From which presence on somebody is there, from results/choices/presence.json."""
    result = results.read(root / "results" / "choices" / "presence.json")
    names = ("val_missed", "background_false", "empty_false")
    rows = [
        [f"{row['threshold']:g}", *(f"{100 * row[name]:.1f}" for name in names)] for row in result["rows"]
    ]
    heads = ["threshold", "val: missed %", "background: false %", "empty: false %"]
    return table(heads, rows)


def subject(root: Path) -> str:
    """What keeping only the main person does, from results/choices/subject.json."""
    result = results.read(root / "results" / "choices" / "subject.json")
    rows = []
    for split, found in result["splits"].items():
        for row in found["rows"]:
            changed = f"{row['changed']} of {found['pictures']}"
            scores = (row["iou"], row["boundary_iou"], *row["groups"].values())
            rows.append([f"{split}: {row['rule']}", changed, *(f"{100 * score:.2f}" for score in scores)])
    sources = next(iter(result["splits"].values()))["rows"][0]["groups"]
    return table(["kept", "masks changed", "person IoU %", "boundary IoU %", *sources], rows)


def int8_rungs(root: Path) -> str:
    """What every rung of the int8 ladder costs, from results/choices/int8.json."""
    result = _if_there(root / "results" / "choices" / "int8.json")
    rows = []
    for row in result["rungs"] if result else []:
        lost = f"{100 * row['lost_iou']:.2f}", f"{100 * row['lost_boundary_iou']:.2f}"
        state = "kept" if row["kept"] else "holds" if row["holds"] else "fails"
        rows.append([f"{row['format']}: {row['rung']}", *lost, f"{row['shift']:.3f}", state])
    heads = ["rung", "IoU points lost", "boundary IoU points lost", "displaced by, pixels", "state"]
    return table(heads, rows)


def int8_files(root: Path) -> str:
    """The file that the ladder kept beside the float32 one, from results/choices/int8.json."""
    result = _if_there(root / "results" / "choices" / "int8.json")
    rows = []
    for row in result["files"] if result else []:
        scores = [number(name, row[name]) for name in ("iou", "boundary_iou", "mad")]
        rows.append([f"{row['format']}: {row['file']}", f"{row['bytes'] / 1000:,.0f}", *scores])
    return table(["file", "kB", "person IoU %", "boundary IoU %", "MAD x1000"], rows)


def parity(root: Path) -> str:
    """Every network in every runtime in float32, from results/parity/*.json."""
    found = _parity(root)
    rows = []
    for network in (n["name"] for n in _zoo(root)["networks"]):
        cells = [by[network, "fp32"] for by in found.values() if (network, "fp32") in by]
        trained = any(cell["trained"] for cell in cells)
        shown = [_cell(by.get((network, "fp32"))) for by in found.values()]
        rows.append([f"**{network}**" if trained else network, *shown])
    return table(["network", *found], rows if found else [])


def parity_failures(root: Path) -> str:
    """The failing cells, in words."""
    rows = [
        [network, f"{runtime} {precision}", cell["message"][:300].replace("|", "/")]
        for runtime, by in _parity(root).items()
        for (network, precision), cell in by.items()
        if cell["result"] == "fail"
    ]
    return table(["network", "runtime", "message"], rows)


def parity_precisions(root: Path) -> str:
    """The cells that are not float32."""
    rows = []
    for runtime, by in _parity(root).items():
        for (network, precision), cell in by.items():
            if precision != "fp32":
                got = cell["measured"]
                masks = [f"{got[name]:.4f}" if name in got else "" for name in ("iou", "boundary_iou")]
                size = f"{cell['bytes'] / 1000:,.0f}" if cell["bytes"] else ""
                rows.append([network, f"{runtime} {precision}", _cell(cell), *masks, size])
    return table(["network", "runtime", "largest difference", "least IoU", "least boundary IoU", "kB"], rows)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["result"] == "fail":
        return "" if row is None else "fail"
    got = row["measured"]
    own = f" (own {got['own_max_alpha']:.0e})" if "own_max_alpha" in got else ""
    return f"{got['max_alpha']:.0e}{own}"


def _parity(root: Path) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """{runtime: {(network, precision): cell}}"""
    names = ("onnx", "litert", "executorch", "coreml", "ncnn")
    paths = [root / "results" / "parity" / f"{name}.json" for name in names]
    found = [results.read(path) for path in paths if path.is_file()]
    return {r["runtime"]: {(row["network"], row["precision"]): row for row in r["rows"]} for r in found}


def _if_there(path: Path) -> dict[str, Any] | None:
    return results.read(path) if path.is_file() else None


STEADY = {
    "dtssd": ("dtSSD x100", 100),
    "flicker": ("flicker x1000", 1000),
    "moving_edge_iou": ("IoU at moving edges %", 100),
    "iou": ("IoU %", 100),
    "mad": ("MAD x1000", 1000),
}


def steady(root: Path, part: str, motion: str) -> str:
    """Masks over time on sequences with truth, from results/steady/PART.json."""
    result = results.read(root / "results" / "steady" / f"{part}.json")
    rows = [
        [row["name"], *(f"{scale * row[name]:.2f}" for name, (_, scale) in STEADY.items())]
        for row in result["rows"]
        if row["motion"] == motion
    ]
    return table(["system", *(label for label, _ in STEADY.values())], rows)


def steady_clips(root: Path) -> str:
    """What changes in a mask and not in the picture, on real clips, from results/steady/clips.json."""
    rows = results.read(root / "results" / "steady" / "clips.json")["rows"]
    clips = list(dict.fromkeys(row["clip"] for row in rows))
    found = {(row["name"], row["clip"]): row["unexplained"] for row in rows}
    names = dict.fromkeys(row["name"] for row in rows)
    lines = [[name, *(f"{1000 * found[name, clip]:.2f}" for clip in clips)] for name in names]
    return table(["system", *(clip.replace("_", " ") for clip in clips)], lines)


def cuts(root: Path) -> str:
    """How new a frame is after another, from results/steady/cuts.json."""
    names = ("least", "p5", "median", "p95", "most", "called_cut")
    rows = results.read(root / "results" / "steady" / "cuts.json")["rows"]
    lines = [[row["kind"], str(row["pairs"]), *(f"{100 * row[name]:.1f}" for name in names)] for row in rows]
    heads = ["two frames", "pairs", "least %", "5th percentile", "median", "95th", "most", "called a cut %"]
    return table(heads, lines)


def idle(root: Path) -> str:
    """What rest saves and costs, from results/steady/idle.json."""
    rows = results.read(root / "results" / "steady" / "idle.json")["rows"]
    lines = [
        [
            row["clip"].replace("_", " "),
            str(row["frames"]),
            f"{100 * row['skipped']:.1f}",
            f"{1000 * row['error']:.2f}",
            f"{row['worst']:.3f}",
        ]
        for row in rows
    ]
    return table(["clip", "frames", "skipped %", "MAD x1000 there", "worst 8 x 8 pixels"], lines)


def edges_of_video(root: Path) -> str:
    """Edges for photos and for video beside each other, from results/steady/edges.json."""
    rows = results.read(root / "results" / "steady" / "edges.json")["rows"]
    lines = [
        [
            row["name"],
            *(f"{100 * row[name]:.2f}" for name in ("iou", "boundary_iou")),
            f"{1000 * row['mad']:.2f}",
            f"{row['ratio']:.2f}",
        ]
        for row in rows
    ]
    return table(["edges", "IoU %", "boundary IoU %", "MAD x1000", "time at 720p"], lines)


def board(root: Path) -> str:
    """The leaderboard, from results/: every network of its recipe, trained or not."""
    found = board_rows(root)
    longer = measured(root, "val")
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
    return str(next(n["module"] for n in _zoo(root)["networks"] if n["name"] == name))


def measured(root: Path, split: str) -> dict[str, dict[str, dict[str, float]]]:
    """{model: its scores on `split`}; the board's have tables of their own."""
    folder = root / "results" / "accuracy"
    paths = [path for path in sorted(folder.rglob("*.json")) if path.parent.name != "board"]
    found = [results.read(path) for path in paths]
    return {r["model"]["name"]: r["scores"] for r in found if r["data"]["split"] == split}


def ranked(found: dict[str, dict[str, dict[str, float]]], metric: str) -> list[str]:
    """The best first."""
    best = -1 if "iou" in metric else 1
    return sorted(found, key=lambda name: best * found[name][metric]["value"])


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Markdown; nothing where there is no row yet."""
    lines = [heads, ["-"] + ["-:"] * (len(heads) - 1), *rows] if rows else []
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


ACCURACY = {
    "test: IoU %": ("test", "iou"),
    "boundary IoU %": ("test", "boundary_iou"),
    "MAD x1000": ("test", "mad"),
    "val: IoU %": ("val", "iou"),
    "val: boundary IoU %": ("val", "boundary_iou"),
    "matte: MAD x1000": ("matte", "mad"),
    "empty: with false mask %": ("empty", "over_1_percent"),
}
MASK = ("iou", "boundary_iou", "boundary_f", "mad", "iou_p5", "miou", "missed")
MOTION = ("iou", "boundary_iou", "mad", "dtssd", "flicker")
MATTE = ("iou", "boundary_iou", "mad", "mse", "sad", "grad_rvm", "grad_p3m", "conn")
TABLES: dict[str, Callable[[Path], str]] = {
    "accuracy": accuracy,
    "accuracy-motion": partial(accuracy_on, split="matte-motion", metrics=MOTION),
    "accuracy-test": partial(accuracy_on, split="test", metrics=MASK),
    "accuracy-val": partial(accuracy_on, split="val", metrics=MASK),
    "accuracy-matte": partial(accuracy_on, split="matte", metrics=MATTE),
    "accuracy-empty": partial(accuracy_on, split="empty", metrics=("over_1_percent", "false_mask", "mad")),
    "board": board,
    "board-plots": board_plots,
    "board-schedule": board_schedule,
    "board-speed": board_speed,
    "board-top": board_top,
    "candidates": candidates,
    "int8-files": int8_files,
    "int8-rungs": int8_rungs,
    "cuts": cuts,
    "idle": idle,
    "latency": latency,
    "models": models,
    "parity": parity,
    "parity-failures": parity_failures,
    "parity-precisions": parity_precisions,
    "photo": photo,
    "presence": presence,
    "runtimes": runtimes,
    "skipnet": skipnet,
    "steady-choice-fast": partial(steady, part="choice", motion="fast"),
    "steady-choice-sway": partial(steady, part="choice", motion="sway"),
    "steady-clips": steady_clips,
    "steady-edges": edges_of_video,
    "steady-matte-fast": partial(steady, part="matte", motion="fast"),
    "steady-matte-sway": partial(steady, part="matte", motion="sway"),
    "stretch": stretch,
    "subject": subject,
    "video": video,
    "video-edges": video_edges,
    "video-profile": video_profile,
    "zoo": zoo,
}


def filled(document: Path, root: Path) -> str:
    """The text of `document` with its tables made anew. Raises `ValueError` naming the document."""
    text = document.read_text(encoding="utf-8")
    begun, ended = text.count("<!-- table:"), text.count("<!-- /table -->")
    if begun != ended:
        raise ValueError(f"{document}: {begun} table begins, {ended} end")

    def fill(match: re.Match[str]) -> str:
        head, name, tail = match.groups()
        if name.startswith("zoo-"):
            return head + zoo_counts(root, name.removeprefix("zoo-")) + tail
        if name in cost_tables.TABLES:
            return head + (table(*cost_tables.TABLES[name](root)) or "Nothing is measured yet.\n") + tail
        if name not in TABLES:
            near = get_close_matches(name, TABLES, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"known: {', '.join([*TABLES, *cost_tables.TABLES])}"
            )
            raise ValueError(f"{document}: no table {name!r}, {hint}")
        return head + TABLES[name](root) + tail

    return TABLE.sub(fill, text)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents", nargs="*", type=Path, help="default: README.md and docs/**/*.md")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 where a table is out of date"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="folder that holds results/")
    given = parser.parse_args()
    old = 0
    for document in given.documents or [
        given.root / "README.md",
        *sorted((given.root / "docs").rglob("*.md")),
    ]:
        try:
            text = filled(document, given.root)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        if text != document.read_text(encoding="utf-8"):
            old += 1
            if given.check:
                print(f"{document}: a table is out of date, run python scripts/tables.py", file=sys.stderr)
            else:
                document.write_text(text, encoding="utf-8")
                print(f"{document}: tables written")
    return 1 if old and given.check else 0


sys.exit(main())
