"""A folder with a page of overlays, the worst picture first: where the errors of a model lie.

The pictures show people, often under terms that forbid publishing them: the folder ignores itself in git.
"""

from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.shards import Sample
from ..evaluate import worst_first
from ..metrics import LABELS, number
from ..results import Result

Picture = NDArray[np.uint8]
FALSE, MISSED = (213, 94, 0), (0, 114, 178)
"""RGB of person where nobody is, and of a person not found; a pair that colour-blind readers tell apart."""


class Page:
    """`page = Page(folder)`; `page.add` as the `watch` of `evaluate()`; `page.close(name, result)`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, Any]] = []

    def add(self, sample: Sample, alpha: NDArray[np.float32], row: dict[str, Any]) -> None:
        """Writes the three pictures of a row: the photo, what was found, what is wrong."""
        if not self.rows:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n")  # never committed, wherever the folder lies
        truth = np.zeros(alpha.shape, np.uint8) if sample.alpha is None else sample.alpha
        number_ = f"{len(self.rows):05d}"  # a key may hold anything, also slashes
        for what, picture in (
            ("photo", sample.image),
            ("found", found(sample.image, alpha)),
            ("wrong", wrong(sample.image, alpha, truth)),
        ):
            done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
            assert done
            (self.folder / f"{number_}-{what}.jpg").write_bytes(data.tobytes())
        about = [str(sample.meta[name]) for name in ("source", "kind", "mask") if name in sample.meta]
        self.rows.append(row | {"number": number_, "about": ", ".join(about)})

    def close(self, name: str, result: Result) -> Path:
        """Writes and returns index.html; `name` is its title."""
        index = self.folder / "index.html"
        index.write_text(html(name, result, worst_first(self.rows)), encoding="utf-8")
        return index


def found(image: Picture, alpha: NDArray[np.float32]) -> Picture:
    """The person in colour before a flat green, softly where alpha is soft; both (H, W, 3)."""
    a = np.clip(alpha, 0, 1)[:, :, None]
    green = np.array([0, 177, 64], np.float32)
    return np.asarray(image * a + (0.2 * image + 0.8 * green) * (1 - a) + 0.5, np.uint8)


def wrong(image: Picture, alpha: NDArray[np.float32], truth: NDArray[np.uint8]) -> Picture:
    """The photo in pale grey; orange where alpha is too high, blue where too low, by how much."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None] * 0.5 + 127.0
    gap = alpha - truth.astype(np.float32) / 255
    weight = np.abs(gap)[:, :, None]
    colour = np.where(gap[:, :, None] > 0, np.array(FALSE, np.float32), np.array(MISSED, np.float32))
    return np.asarray(np.clip(grey * (1 - weight) + colour * weight, 0, 255) + 0.5, np.uint8)


def html(name: str, result: Result, rows: list[dict[str, Any]]) -> str:
    metrics = [m for m in result["scores"] if m in rows[0]]
    scores = "".join(
        f"<tr><td>{LABELS[m][0]}<td>"
        + "<td>".join((number(m, s["value"]), f"{number(m, s['low'])} to {number(m, s['high'])}"))
        for m, s in result["scores"].items()
    )
    tables = f"<table><tr><th>all {len(rows)} pictures<th>mean<th>95 % interval{scores}</table>"
    heads = "".join(f"<th>{LABELS[m][0]}" for m in metrics)
    for field, groups in result["groups"].items():
        body = "".join(
            f"<tr><td>{escape(g['name'])}<td>{g['pictures']}"
            + "".join(f"<td>{number(m, g[m])}" for m in metrics)
            for g in groups
        )
        tables += f"<table><tr><th>{escape(field)}<th>pictures{heads}{body}</table>"
    sorts = " ".join(f'<button data-sort="{m}">{LABELS[m][0]}</button>' for m in metrics)
    cards = "".join(_card(row, metrics) for row in rows)
    return _PAGE.format(title=escape(name), tables=tables, sorts=sorts, cards=cards)


def _card(row: dict[str, Any], metrics: list[str]) -> str:
    data = " ".join(f'data-{m}="{row[m]}"' for m in metrics)
    numbers = " · ".join(f"{LABELS[m][0]} <b>{number(m, row[m])}</b>" for m in metrics)
    pictures = "".join(
        f'<a href="{file}"><img loading="lazy" src="{file}" alt="{what}"></a>'
        for what in ("photo", "found", "wrong")
        for file in [f"{row['number']}-{what}.jpg"]
    )
    caption = f"<figcaption>{escape(row['key'])} ({escape(row['about'])}) · {numbers}</figcaption>"
    return f"<figure {data}>{pictures}{caption}</figure>\n"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
body {{ margin: 1rem auto; max-width: 70rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 0 0 1rem; }}
th, td {{ padding: .1rem .8rem .1rem 0; text-align: right; font-variant-numeric: tabular-nums; }}
th:first-child, td:first-child {{ text-align: left; }}
figure {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; margin: 0 0 1.5rem; }}
figcaption {{ grid-column: 1 / -1; }}
img {{ width: 100%; max-height: 26rem; object-fit: contain; display: block; }}
.false {{ color: #d55e00; }} .missed {{ color: #0072b2; }}
</style>
<h1>{title}</h1>
{tables}
<p>Each row: the photo; what was found; what is wrong, <b class="false">orange</b> where alpha is too high,
<b class="missed">blue</b> where it is too low. These pictures show people: do not publish this page.</p>
<p>Worst first by {sorts}</p>
<main>
{cards}</main>
<script>
const risesWithError = name => !name.includes("iou");
for (const button of document.querySelectorAll("[data-sort]")) button.onclick = () => {{
  const name = button.dataset.sort, main = document.querySelector("main");
  const value = figure => +figure.getAttribute("data-" + name) * (risesWithError(name) ? -1 : 1);
  main.append(...[...main.children].sort((a, b) => value(a) - value(b)));
}};
</script>
</html>
"""
