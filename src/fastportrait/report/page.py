"""One page of HTML that compares models: scores, plots, slices, and the hardest pictures side by side.

It holds all it shows: no script, no font, no picture from elsewhere. It shows people, often under terms that
forbid publishing them, and says so.
"""

import base64
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.shards import Sample
from ..evaluate import HEADLINES, Segment
from ..metrics import LABELS, MORE_IS_BETTER, number
from ..results import Result
from .comparison import hard, shown
from .overlays import wrong
from .plots import COLOURS, STYLE, Series, Value, distribution, dots

Picture = NDArray[np.uint8]
SIDE = 320
"""Of the longer side of a picture on the page, in pixels."""


def page(title: str, comparison: Result, pictures: str = "") -> str:
    """The whole document; `pictures` is what `sections` made."""
    results = comparison["results"]
    first = results[0]
    scope = "" if first["data"]["whole"] else "only "
    about = (
        f"{scope}{first['data']['pictures']} pictures of {escape(first['data']['split'])}, {first['date']}, "
        f"commit {escape(first['commit'][:8])}, {escape(first['machine']['cpu'])}. Numbers are means over "
        "pictures with 95 % bootstrap intervals."
    )
    return _PAGE.format(
        title=escape(title),
        style=STYLE.removeprefix("<style>").removesuffix("</style>"),
        about=about,
        scores=_scores(results),
        pairs=_pairs(comparison),
        plots=_plots(results),
        slices=_slices(results),
        pictures=pictures,
        variants="".join(
            f"<dt>{LABELS[name][0]}<dd>{escape(words)}" for name, words in first["metrics"].items()
        ),
        models="".join(
            f"<tr><td>{escape(r['model']['name'])}<td>{escape(r['model']['network'])}"
            f"<td>{escape(r['model']['input'])}<td>{escape(r['machine']['runtime'])}"
            f"<td><code>{escape(r['model']['file'])} {r['model']['sha256'][:12]}</code>"
            for r in results
        ),
    )


def sections(
    samples: dict[str, Sample], segments: dict[str, Segment], results: list[Result], count: int
) -> str:
    """The hardest pictures with every model's errors beside each other; `samples` by key, those of `hard`."""
    rows = [{row["key"]: row for row in result["pictures"]} for result in results]
    text = ""
    for heading, keys in hard(results, count).items():
        text += f"<h3>{heading}</h3>"
        for key in keys:
            sample = samples[key]
            truth = np.zeros(sample.image.shape[:2], np.uint8) if sample.alpha is None else sample.alpha
            cells = _figure(sample.image, f"{escape(key)} {escape(str(sample.meta.get('source', '')))}")
            for (name, segment), found in zip(segments.items(), rows, strict=True):
                row = found[key]
                numbers = " · ".join(
                    f"{LABELS[m][0]} <b>{number(m, row[m])}</b>" for m in HEADLINES if m in row
                )
                overlay = wrong(sample.image, segment(sample.image), truth)
                cells += _figure(overlay, f"<b>{escape(name)}</b> {numbers}")
            text += f'<div class="row">{cells}</div>\n'
    return text


def _figure(picture: Picture, caption: str) -> str:
    scale = min(1.0, SIDE / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert done
    data = base64.b64encode(jpeg.tobytes()).decode()
    return (
        f'<figure><img alt="" width="{size[0]}" height="{size[1]}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _scores(results: list[Result]) -> str:
    metrics = list(results[0]["scores"])
    best = {}
    for metric in metrics:
        values = [number(metric, result["scores"][metric]["value"]) for result in results]
        best[metric] = (max if metric in MORE_IS_BETTER else min)(values, key=float)
    body = ""
    for result in results:
        body += f"<tr><td>{escape(result['model']['name'])}"
        for metric in metrics:
            value, span = shown(metric, result["scores"][metric])
            bold = len(results) > 1 and value == best[metric]
            body += f"<td>{f'<b>{value}</b>' if bold else value}<br><small>{span}</small>"
    heads = "".join(f"<th>{LABELS[metric][0]}" for metric in metrics)
    return f"<table><tr><th>model{heads}{body}</table>"


def _pairs(comparison: Result) -> str:
    if not comparison["differences"]:
        return ""
    items, more = "", ""
    for row in (row for rows in comparison["differences"].values() for row in rows):
        metric = row["metric"]
        mean, low, high = (
            f"{'+' if row[k] > 0 else ''}{number(metric, row[k])}" for k in ("mean", "low", "high")
        )
        item = (
            f"<tr><td>{LABELS[metric][0]}<td>{escape(row['ours'])} - {escape(row['theirs'])}"
            f'<td>{mean}<td>{low} to {high}<td class="words">{escape(row["words"])}'
        )
        items, more = (items + item, more) if metric in HEADLINES else (items, more + item)
    head = "<tr><th>metric<th>pair<th>difference<th>95 % interval<th>in words"
    return (
        "<h2>Pair by pair</h2><p>Picture by picture on the same pictures, paired bootstrap. Of every twenty "
        f"pairs that do not differ, one will look as if it did.</p><table>{head}{items}</table>"
        f"<details><summary>every other metric</summary><table>{head}{more}</table></details>"
    )


def _colours(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _plots(results: list[Result]) -> str:
    names = [result["model"]["name"] for result in results]
    colours = _colours(len(names))
    text = ""
    for metric in (m for m in (*HEADLINES, "dtssd", "flicker") if m in results[0]["scores"]):
        series = [
            Series(name, colour, {name: _value(metric, result["scores"][metric])})
            for name, colour, result in zip(names, colours, results, strict=True)
        ]
        text += dots(LABELS[metric][0], names, series)
    metric = "iou" if "iou" in results[0]["pictures"][0] else "false_mask"
    factor = LABELS[metric][1]
    columns: dict[str, Sequence[float]] = {
        name: [factor * row[metric] for row in result["pictures"]]
        for name, result in zip(names, results, strict=True)
    }
    return text + distribution(f"share of pictures whose {LABELS[metric][0]} lies below", columns, colours)


def _value(metric: str, score: dict[str, float], name: str = "") -> Value:
    """In the table's unit; of a group where `name` is the metric's."""
    keys = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    factor = LABELS[metric][1]
    return factor * score[keys[0]], factor * score[keys[1]], factor * score[keys[2]]


def _slices(results: list[Result]) -> str:
    """A plot a field that divides the pictures, the first model's worst group first, with all numbers."""
    names = [result["model"]["name"] for result in results]
    metrics = [m for m in HEADLINES if m in results[0]["groups"]["source"][0]]
    text, seen = "", []
    for field, groups in results[0]["groups"].items():
        sizes = [(group["pictures"], group[metrics[0]]) for group in groups]
        if len(groups) < 2 or sizes in seen:
            continue
        seen.append(sizes)  # where each source is of one kind, once is enough
        labels = {group["name"]: f"{group['name']} ({group['pictures']})" for group in groups}
        series = [
            Series(
                name,
                colour,
                {
                    labels[group["name"]]: _value(metrics[0], group, metrics[0])
                    for group in result["groups"][field]
                },
            )
            for name, colour, result in zip(names, _colours(len(names)), results, strict=True)
        ]
        text += dots(f"{LABELS[metrics[0]][0]} by {field}, worst first", list(labels.values()), series)
        body = ""
        for group in groups:
            for name, result in zip(names, results, strict=True):
                row = next(g for g in result["groups"][field] if g["name"] == group["name"])
                spans = [[number(m, row[m + end]) for end in ("", "_low", "_high")] for m in metrics]
                cells = "".join(f"<td>{value}<td>{low} to {high}" for value, low, high in spans)
                body += f"<tr><td>{escape(labels[group['name']])}<td>{escape(name)}{cells}"
        heads = "".join(f"<th>{LABELS[m][0]}<th>95 %" for m in metrics)
        text += (
            f"<details><summary>numbers</summary><table><tr><th>{escape(field)}<th>model{heads}{body}</table>"
            "</details>"
        )
    return f"<h2>By kind of picture</h2>{text}" if text else ""


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }}
body {{ margin: 1.5rem auto; max-width: 76rem; padding: 0 1rem; background: #fff; color: #1b263b; }}
table {{ border-collapse: collapse; margin: .5rem 0 1rem; display: block; overflow-x: auto; }}
th, td {{ padding: .2rem .8rem .2rem 0; text-align: right; vertical-align: top; }}
td {{ font-variant-numeric: tabular-nums; }}
th:first-child, td:first-child, .words, .left td, .left th {{ text-align: left; }}
small, dd, figcaption {{ color: #5c677d; }} td small {{ white-space: nowrap; }}
svg {{ display: block; width: 100%; max-width: 45rem; margin: .5rem 0 1rem; }}
.row {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }}
.row {{ gap: .6rem; margin: 0 0 1.4rem; }}
figure {{ margin: 0; }} img {{ max-width: 100%; height: auto; display: block; }}
figcaption {{ font-size: .85rem; overflow-wrap: anywhere; }}
.false {{ color: #d55e00; }} .missed {{ color: #0072b2; }}
@media (prefers-color-scheme: dark) {{
body {{ background: #12161c; color: #e6eaf0; }} small, dd, figcaption {{ color: #a3adbb; }}
.missed {{ color: #56a8e0; }}
}}
{style}
</style></head><body>
<h1>{title}</h1>
<p>{about}</p>
{scores}
{pairs}
<h2>Plots</h2>
{plots}
{slices}
<h2>Pictures</h2>
<p>Left the photo, then every model's errors: <b class="false">orange</b> where alpha is too high,
<b class="missed">blue</b> where it is too low. These pictures show people: do not publish this page.</p>
{pictures}
<h2>Models</h2>
<table class="left"><tr><th>name<th>network<th>input<th>runtime<th>file{models}</table>
<h2>What the numbers are</h2>
<dl>{variants}</dl>
</body></html>
"""
