"""One page of HTML about what networks cost: a table, time against accuracy, frames, memory, time by layer.

It holds all it shows and shows no picture of anybody: it may be published.
"""

from html import escape
from typing import Any

from ..bench.models import milliseconds
from ..metrics import LABELS, number
from ..results import Result
from .plots import COLOURS, STYLE, Point, Series, dots, scatter

SCORES = ("iou", "boundary_iou", "mad")
LAYERS = 20
"""The longest that are shown; the JSON has all."""


def page(result: Result) -> str:
    """The whole document for a result of schema latency/2."""
    rows = result["models"]
    peaks = ", ".join(
        f"{p['macs_per_s'] / 1e9:.1f} G multiply-adds a second on {_threads(p['threads'])}"
        for p in result["peaks"]
    )
    machine = result["machine"]
    about = (
        f"{result['date']}, commit {escape(result['commit'][:8])}, {escape(machine['cpu'])}, "
        f"{machine['cores']} cores, {result['rounds']} rounds. Measured peak: {peaks}; "
        f"{machine['bytes_per_s'] / 1e9:.1f} GB a second. Nothing here is a statement about a phone."
    )
    return _PAGE.format(
        style=STYLE.removeprefix("<style>").removesuffix("</style>"),
        about=about,
        reference=escape(result["reference"]),
        table=_table(rows),
        accuracy=_accuracy(rows),
        times=_times(rows),
        memory=_memory(rows),
        layers="".join(_layers(row) for row in rows if row["layers"]),
        protocol=escape(result["protocol"]),
        how=escape(machine["how"]),
        models="".join(
            f"<tr><td>{_name(row, rows)}<td>{escape(row['network'])}<td>{escape(row['input'])}"
            f"<td><code>{escape(row['file'])} {row['sha256'][:12]}</code>"
            for row in rows
        ),
    )


def _table(rows: list[dict[str, Any]]) -> str:
    measured = [m for m in SCORES if any(m in _scores(row) for row in rows)]
    heads = ["model", "ms", "5 to 95 %", "ratio", "of peak", "M MACs", "K parameters", "kB"]
    heads += ["frame of 720p, ms", "first mask, CPU ms", "memory, MB", *(LABELS[m][0] for m in measured)]
    body = ""
    for row in rows:
        used = row["cpu_ms" if row["threads"] == 1 else "wall_ms"]
        scores, memory = _scores(row), row["memory"] or {}
        cells = [
            f"{used['median']:.2f}",
            f"{used['p5']:.2f} to {used['p95']:.2f}",
            f"{row['ratio']:.2f}",
            "" if row["peak_share"] is None else f"{100 * row['peak_share']:.0f} %",
            "" if row["macs"] is None else f"{row['macs'] / 1e6:,.0f}",
            "" if row["params"] is None else f"{row['params'] / 1e3:,.0f}",
            f"{row['bytes'] / 1e3:,.0f}",
            f"{row['frame_ms']['median']:.1f}" if row["frame_ms"] else "",
            f"{row['first_mask']['cpu_ms']:.0f}" if row["first_mask"] else "",
            f"{memory['peak_mb']:.0f}" if memory.get("peak_mb") else "",
            *(number(m, scores[m]["value"]) if m in scores else "" for m in measured),
        ]
        body += f"<tr><td>{_name(row, rows)}" + "".join(f"<td>{cell}" for cell in cells)
    return "<table><tr>" + "".join(f"<th>{head}" for head in heads) + body + "</table>"


def _accuracy(rows: list[dict[str, Any]]) -> str:
    known = [row for row in rows if row["accuracy"] and row["threads"] == 1]
    text = ""
    for metric in ("boundary_iou", "iou"):
        points = []
        for row in (row for row in known if metric in _scores(row)):
            score, factor = _scores(row)[metric], LABELS[metric][1]
            span = factor * score["value"], factor * score["low"], factor * score["high"]
            points.append(Point(_words(row, known), milliseconds(row), span, not row["ours"]))
        if points:
            of = known[0]["accuracy"]
            title = f"{LABELS[metric][0]} on {of['pictures']} pictures of {of['split']}, 95 % intervals"
            text += scatter(title, "ms, the network alone, one thread", points)
    return f"<h2>Time against accuracy</h2>{text}" if text else ""


def _times(rows: list[dict[str, Any]]) -> str:
    names = [_words(row, rows) for row in rows]
    series = [("the network alone", COLOURS[0], "cpu_ms"), ("a frame of 1280 x 720", COLOURS[1], "frame_ms")]
    drawn = []
    for label, colour, field in series:
        values = {
            name: (row[field]["median"], row[field]["p5"], row[field]["p95"])
            for name, row in zip(names, rows, strict=True)
            if row[field] and row["threads"] == 1
        }
        if values:
            drawn.append(Series(label, colour, values))
    shown = [name for name in names if any(name in one.values for one in drawn)]
    return (
        dots("milliseconds of CPU time on one thread, 5th to 95th percentile", shown, drawn) if drawn else ""
    )


def _memory(rows: list[dict[str, Any]]) -> str:
    known = [row for row in rows if row["memory"] and row["memory"]["peak_mb"]]
    if not known:
        return ""
    bars = [
        (_name(row, known), row["memory"]["peak_mb"], f"{row['memory']['peak_mb']:.0f} MB", row["ours"])
        for row in known
    ]
    return (
        f"<h2>Memory</h2><p>Resident at most, of a process that gives masks of 720p frames.</p>{_bars(bars)}"
    )


def _layers(row: dict[str, Any]) -> str:
    whole = sum(layer["ms"] for layer in row["layers"])
    longest = sorted(row["layers"], key=lambda layer: -layer["ms"])
    kinds: dict[str, float] = {}
    for layer in longest:
        kinds[layer["op"]] = kinds.get(layer["op"], 0) + layer["ms"]
    bars = [
        (
            f"<code>{escape(layer['name'])}</code> {escape(layer['op'])} {escape(layer['output'])}",
            layer["ms"],
            f"{layer['ms']:.3f} ms" + (f", {layer['gmacs_per_s']:.0f} G/s" if layer["gmacs_per_s"] else ""),
            layer["gmacs_per_s"] > 0,
        )
        for layer in longest[:LAYERS]
    ]
    by_kind = ", ".join(
        f"{escape(kind)} {100 * ms / whole:.1f} %" for kind, ms in sorted(kinds.items(), key=lambda k: -k[1])
    )
    about = (
        f"{len(row['layers'])} nodes after {escape(row['runtime'])} fused them, {whole:.2f} ms by the wall "
        f"clock; {by_kind}. The longest {min(LAYERS, len(longest))}, with the multiply-adds a second that "
        "convolutions reach:"
    )
    return f"<h2>{escape(row['name'])} by layer</h2><p>{about}</p>{_bars(bars)}"


def _bars(bars: list[tuple[str, float, str, bool]]) -> str:
    """(label as HTML, value, words, whether it is in the first colour)."""
    most = max(value for _, value, _, _ in bars) or 1
    return '<div class="bars">' + "".join(
        f'<span>{label}</span><span><i style="width:{65 * value / most:.1f}%;'
        f'background:{COLOURS[0 if first else 1]}"></i>{words}</span>'
        for label, value, words, first in bars
    ) + "</div>"  # fmt: skip


def _scores(row: dict[str, Any]) -> dict[str, Any]:
    scores: dict[str, Any] = row["accuracy"]["scores"] if row["accuracy"] else {}
    return scores


def _words(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The name, and what tells the row from others of that name."""
    same = [other for other in rows if other["name"] == row["name"]]
    words: str = row["name"]
    if len({other["runtime"] for other in same}) > 1:
        words += f", {row['runtime'].split(' ')[0]}"
    if len({other["threads"] for other in same}) > 1:
        words += f", {_threads(row['threads'])}"
    return words


def _name(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    return f"<b>{escape(_words(row, rows))}</b>" if row["ours"] else escape(_words(row, rows))


def _threads(count: int) -> str:
    return f"{count} thread" + ("s" if count > 1 else "")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>What networks cost</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }}
body {{ margin: 1.5rem auto; max-width: 76rem; padding: 0 1rem; background: #fff; color: #1b263b; }}
table {{ border-collapse: collapse; margin: .5rem 0 1rem; display: block; overflow-x: auto; }}
th, td {{ padding: .2rem .8rem .2rem 0; text-align: right; vertical-align: top; }}
td {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
th:first-child, td:first-child, .left td, .left th {{ text-align: left; }}
svg {{ display: block; width: 100%; max-width: 45rem; margin: .5rem 0 1rem; }}
.bars {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem .8rem; max-width: 60rem; }}
.bars i {{ display: inline-block; height: .7em; min-width: 2px; margin-right: .5rem; border-radius: 2px; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #12161c; color: #e6eaf0; }} }}
@media (max-width: 40rem) {{ .bars {{ grid-template-columns: 1fr; }} }}
{style}
</style></head><body>
<h1>What networks cost</h1>
<p>{about}</p>
<p>Ratios are to {reference}. Bold, and filled in the plots, are networks of this project.</p>
{table}
{accuracy}
<h2>Time</h2>
{times}
{memory}
{layers}
<h2>Models</h2>
<table class="left"><tr><th>model<th>network<th>input<th>file{models}</table>
<h2>How it was measured</h2>
<p>{protocol}.</p><p>Peak: {how}.</p>
</body></html>
"""
