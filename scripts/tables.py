"""Writes the documents' tables from results/*.json, between `<!-- table:NAME -->` and `<!-- /table -->`.

    python scripts/tables.py            # README.md and docs/**/*.md
    python scripts/tables.py --check    # exit 1 where a table is not what the results say

Numbers are measured, never typed: change a result, run this, commit both.
"""

import argparse
import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import board_tables
import cost_tables
import export_tables
import video_tables
from fastportrait import results
from fastportrait.metrics import LABELS, number
from fastportrait.weights import list_models
from table_parts import measured, table
from table_parts import zoo as zoo_of

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
    """The models measured on test, what is known of them on the other splits, and their network's time in the
    fastest of its runtimes."""
    found = {split: measured(root, split) for split in ("test", "val", "matte", "empty")}
    bench = results.read(root / "results" / "latency" / "peers.json")
    rows = []
    for name in ranked(found["test"], "iou"):
        scores = [(metric, found[split].get(name, {}).get(metric)) for split, metric in ACCURACY.values()]
        times = [row["ratio"] for row in bench["models"] if row["name"] == name]
        cells = [number(metric, score["value"]) if score else "" for metric, score in scores]
        rows.append([name, *cells, f"{min(times):.1f}" if times else ""])
    return table(["model", *ACCURACY, f"time / {bench['reference']}'s"], rows)


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


def family(root: Path) -> str:
    """Plans of our own family, timed beside one reference: results/candidates/family.json and sizes.json."""
    found = [results.read(root / "results" / "candidates" / f"{name}.json") for name in ("family", "sizes")]
    rows = [
        [
            row["name"],
            row["input"].replace("x", " x "),
            f"{row['params'] / 1e3:,.0f}",
            f"{row['macs'] / 1e6:.0f}",
            f"{row['ratio']:.2f}",
        ]
        for row in sorted((row for one in found for row in one["plans"]), key=lambda row: row["ratio"])
    ]
    return table(["plan", "input", "K parameters", "M MACs", "time"], rows)


def zoo(root: Path) -> str:
    """Every network, with its page and what a phone would run of it."""
    rows = []
    for network in zoo_of(root)["networks"]:
        height, width = network["size"]
        name = f"[{network['name']}](zoo/{network['module']}.md)"
        year = str(network["year"] or "")
        cost = f"{network['params']:,}", f"{network['macs'] / 1e6:,.0f}"
        rows.append([name, network["paper"], year, f"{height} x {width}", *cost])
    return table(["name", "paper", "year", "input", "parameters", "M MACs"], rows)


def zoo_counts(root: Path, module: str) -> str:
    """The builds of one paper beside what is published of them."""
    rows = []
    for build in (b for b in zoo_of(root)["published"] if b["module"] == module):
        said_params, said_macs = build["published_params"], build["published_macs"]
        size = " x ".join(str(n) for n in build["image"])
        params = f"{build['params']:,}", f"{said_params:,}" if said_params else ""
        macs = f"{build['macs'] / 1e6:,.1f}", f"{said_macs / 1e6:,.1f}" if said_macs else ""
        rows.append(
            [build["name"] + (", with helper heads" if build["helpers"] else ""), size, *params, *macs]
        )
    for network in (n for n in zoo_of(root)["networks"] if n["module"] == module):
        size = " x ".join(str(n) for n in (3, *network["size"]))
        rows.append(
            [f"`{network['name']}`", size, f"{network['params']:,}", "", f"{network['macs'] / 1e6:,.1f}", ""]
        )
    heads = ["build", "image", "parameters", "published", "M MACs", "published"]
    return table(heads, rows)


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


def harm(root: Path) -> str:
    """IoU and what it lost by each harm, the worst for the first model on top, from results/harm.json."""
    models = results.read(root / "results" / "harm.json")["models"]
    lost = {m["name"]: {row["harm"]: row for row in m["rows"]} for m in models}
    worst = sorted(models[0]["rows"], key=lambda row: -row["iou_lost"]["value"]) if models else []
    rows = [
        [
            HARMS[row["harm"]],
            *(
                f"{100 * of['iou']['value']:.1f} / {100 * of['boundary_iou']['value']:.1f}"
                + ("" if row["harm"] == "none" else f" (-{100 * of['iou_lost']['value']:.1f})")
                for of in (lost[m["name"]][row["harm"]] for m in models)
            ),
        ]
        for row in worst
    ]
    return table(["harm", *(m["name"] for m in models)], rows).replace("(--", "(+")


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


def ranked(found: dict[str, dict[str, dict[str, float]]], metric: str) -> list[str]:
    """The best first."""
    best = -1 if "iou" in metric else 1
    return sorted(found, key=lambda name: best * found[name][metric]["value"])


HARMS = {
    "none": "none",
    "low_light": "darkness and its noise",
    "temperature": "white balance off",
    "hand": "a hand before the person",
    "thing": "a thing before the person",
    "motion": "a shaken hand",
    "noise": "noise",
    "jpeg": "JPEG of quality 10 to 70",
    "several": "somebody else beside",
}
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
    "board": board_tables.board,
    "board-plots": board_tables.board_plots,
    "board-schedule": board_tables.board_schedule,
    "board-speed": board_tables.board_speed,
    "board-top": board_tables.board_top,
    "candidates": candidates,
    "family": family,
    "harm": harm,
    "int8-files": export_tables.int8_files,
    "int8-rungs": export_tables.int8_rungs,
    "cuts": video_tables.cuts,
    "idle": video_tables.idle,
    "latency": latency,
    "models": models,
    "parity": export_tables.parity,
    "parity-failures": export_tables.parity_failures,
    "parity-precisions": export_tables.parity_precisions,
    "photo": photo,
    "presence": presence,
    "runtimes": runtimes,
    "skipnet": skipnet,
    "steady-choice-fast": partial(video_tables.steady, part="choice", motion="fast"),
    "steady-choice-sway": partial(video_tables.steady, part="choice", motion="sway"),
    "steady-clips": video_tables.steady_clips,
    "steady-edges": video_tables.edges_of_video,
    "steady-matte-fast": partial(video_tables.steady, part="matte", motion="fast"),
    "steady-matte-sway": partial(video_tables.steady, part="matte", motion="sway"),
    "stretch": stretch,
    "subject": subject,
    "video": video_tables.video,
    "video-edges": video_tables.video_edges,
    "video-profile": video_tables.video_profile,
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
