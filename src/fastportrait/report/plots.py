"""Plots as SVG text, drawn by hand: values with intervals, distributions, scores against cost.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; ink and paper follow the reader's
light or dark setting. Nothing is loaded from anywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8f6fd1", "#8c6d46")
WIDTH, LETTER = 720, 6.4
"""Of a plot, and of a mean letter of 12 px."""
STYLE = """<style>
.plot { font: 12px system-ui, sans-serif; }
.plot .paper { fill: #fff; } .plot .ink { fill: #1b263b; } .plot .dim { fill: #5c677d; }
.plot .grid { stroke: #dde3ea; } .plot .front { stroke: #5c677d; fill: none; }
@media (prefers-color-scheme: dark) {
.plot .paper { fill: #12161c; } .plot .ink { fill: #e6eaf0; } .plot .dim { fill: #a3adbb; }
.plot .grid { stroke: #333b46; } .plot .front { stroke: #a3adbb; }
}
</style>"""

Value = tuple[float, float, float]
"""A value and the ends of its interval."""


@dataclass(frozen=True)
class Series:
    name: str
    colour: str
    values: dict[str, Value]
    """By the label of its row."""


@dataclass(frozen=True)
class Point:
    name: str
    cost: float
    score: Value
    peer: bool
    """Somebody else's: drawn hollow."""


def document(plot: str) -> str:
    """A plot as a file of its own."""
    head, _, body = plot.partition(">")
    return f'{head}>\n{STYLE}\n<rect class="paper" width="100%" height="100%"/>{body}\n'


def dots(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """A row a label; in it a dot a series with its interval as a line. A label may lack a series."""
    left = 28 + 6.8 * max(len(label) for label in labels)
    every = [value for one in series for value in one.values.values()]
    scale, marks = _axis(min(v[1] for v in every), max(v[2] for v in every), left, WIDTH - 24)
    present = {label: [s for s in series if label in s.values] for label in labels}
    named = max(len(found) for found in present.values()) > 1  # else the labels name them
    step = 13 if named else 20
    top = 34.0 + (_legend_height(series) if named else 0)
    bottom = top + sum(step * len(found) + 9 for found in present.values())
    parts = _legend(series, 12, 40) if named else []
    parts += _upright(scale, marks, top, bottom)
    y = top
    for label, found in present.items():
        middle = y + 4.5 + step * len(found) / 2
        parts.append(_text(left - 12, middle + 4, label, anchor="end"))
        for turn, one in enumerate(found):
            value, low, high = one.values[label]
            at = y + 4.5 + step * (turn + 0.5)
            about = f"{one.name}, {label}: {value:.2f} ({low:.2f} to {high:.2f})"
            parts.append(
                f'<g><title>{escape(about)}</title><path d="M{scale(low):.1f} {at:.1f}H{scale(high):.1f}" '
                f'stroke="{one.colour}" stroke-width="2"/>'
                f'<circle cx="{scale(value):.1f}" cy="{at:.1f}" r="4" fill="{one.colour}"/></g>'
            )
        y += step * len(found) + 9
    return _svg(title, bottom + 26, parts)


def distribution(title: str, columns: dict[str, Sequence[float]], colours: Sequence[str]) -> str:
    """For each name the share of its values that lie below x, as stairs; x starts at the first hundredth."""
    series = [Series(name, colour, {}) for name, colour in zip(columns, colours, strict=True)]
    top = 34.0 + _legend_height(series)
    bottom, left = top + 240, 56.0
    ordered = {name: sorted(values) for name, values in columns.items()}
    scale, marks = _axis(
        min(v[len(v) // 100] for v in ordered.values()),
        max(v[-1] for v in ordered.values()),
        left,
        WIDTH - 24,
    )
    start = float(marks[0])
    parts = _legend(series, 12, 40) + _upright(scale, marks, top, bottom)
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = bottom - 240 * share
        parts.append(f'<path class="grid" d="M{left} {at:.1f}H{WIDTH - 24}"/>')
        parts.append(_text(left - 8, at + 4, f"{100 * share:.0f} %", anchor="end", kind="dim"))
    for one in series:
        values = ordered[one.name]
        below = sum(value < start for value in values)
        path = f"M{scale(start):.1f} {bottom - 240 * below / len(values):.1f}"
        for count, value in enumerate(values[below:], below + 1):
            path += f"H{scale(value):.1f}V{bottom - 240 * count / len(values):.1f}"
        parts.append(
            f'<path d="{path}H{WIDTH - 24}" fill="none" stroke="{one.colour}" stroke-width="2">'
            f"<title>{escape(one.name)}</title></path>"
        )
    return _svg(title, bottom + 26, parts)


def front(points: Sequence[Point]) -> list[Point]:
    """Those that nothing cheaper or as cheap beats, from the cheapest on (V. Pareto)."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.score[0])):
        if not best or point.score[0] > best[-1].score[0]:
            best.append(point)
    return best


def scatter(title: str, cost: str, points: Sequence[Point], best: Sequence[Point] | None = None) -> str:
    """Score upwards with its interval, cost to the right on a logarithmic scale, the Pareto front dashed: of
    all points, or of `best`."""
    left, right, top, bottom = 56.0, WIDTH - 40.0, 58.0, 418.0
    low, high = log10(min(p.cost for p in points)), log10(max(p.cost for p in points))
    low, high = low - 0.15, high + 0.25
    marks = [m * 10.0**e for e in range(floor(low), ceil(high)) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= log10(m) <= high]

    def x(value: float) -> float:
        return left + (log10(value) - low) / (high - low) * (right - left)

    y, rungs = _axis(min(p.score[1] for p in points), max(p.score[2] for p in points), bottom, top)
    parts = _upright(x, marks, top, bottom)
    for rung in rungs:
        parts.append(f'<path class="grid" d="M{left} {y(rung):.1f}H{right}"/>')
        parts.append(_text(left - 8, y(rung) + 4, f"{rung:g}", anchor="end", kind="dim"))
    parts.append(_text((left + right) / 2, bottom + 38, f"{cost} (logarithmic)", anchor="middle", kind="dim"))
    stairs = "".join(
        f"{'H' if i else 'M'}{x(p.cost):.1f}{'V' if i else ' '}{y(p.score[0]):.1f}"
        for i, p in enumerate(front(points if best is None else best))
    )
    parts.append(f'<path class="front" d="{stairs}H{right}" stroke-dasharray="4 4"/>')
    boxes = [(x(p.cost) - 5, y(p.score[0]) - 5, x(p.cost) + 5, y(p.score[0]) + 5) for p in points]
    for point in points:
        value, low_end, high_end = point.score
        across, up = x(point.cost), y(value)
        colour, fill = (COLOURS[1], "none") if point.peer else (COLOURS[0], COLOURS[0])
        about = f"{point.name}: {value:.2f} ({low_end:.2f} to {high_end:.2f}) at {point.cost:.4g} {cost}"
        parts.append(
            f'<g stroke="{colour}" stroke-width="2"><title>{escape(about)}</title>'
            f'<path d="M{across:.1f} {y(low_end):.1f}V{y(high_end):.1f}" stroke-width="1" opacity=".5"/>'
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="4.5" fill="{fill}"/></g>'
        )
        parts.append(_label(point.name, across, up, boxes))
    for turn, (words, fill, colour) in enumerate(
        (("ours", COLOURS[0], COLOURS[0]), ("other systems", "none", COLOURS[1]))
    ):
        at = left + 8 + 70 * turn
        parts.append(
            f'<circle cx="{at}" cy="38" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
            + _text(at + 10, 42, words, kind="dim")
        )
    return _svg(title, bottom + 52, parts)


Box = tuple[float, float, float, float]


def _label(name: str, x: float, y: float, boxes: list[Box]) -> str:
    """`name` at the first place around (x, y) that is free; its box joins `boxes`."""
    wide = LETTER * len(name)
    places = [(x + 8, y - 7), (x + 8, y + 15), (x - 8 - wide, y - 7), (x - 8 - wide, y + 15)]  # off the front
    places += [(x + 8, y - 20), (x + 8, y + 28), (x - 8 - wide, y - 20), (x - 8 - wide, y + 28)]
    for left, base in places:
        box = (left, base - 10, left + wide, base + 2)
        free = all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in boxes)
        if free and left > 60 and left + wide < WIDTH - 12:
            break
    else:
        left, base = places[0]
    boxes.append((left, base - 10, left + wide, base + 2))
    return _text(left, base, name)


def _axis(low: float, high: float, start: float, end: float) -> tuple[Callable[[float], float], list[float]]:
    """A map of values to pixels from `start` to `end`, and four to nine round marks that span both."""
    wide = (high - low) or max(abs(high), 1.0) * 0.1
    rough = wide / 5
    unit = 10.0 ** floor(log10(rough))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    last = max(last, first + 1)
    marks = [round(i * step, 10) for i in range(first, last + 1)]
    return lambda value: start + (value - marks[0]) / (marks[-1] - marks[0]) * (end - start), marks


def _upright(scale: Callable[[float], float], marks: Sequence[float], top: float, bottom: float) -> list[str]:
    return [
        f'<path class="grid" d="M{scale(mark):.1f} {top:.1f}V{bottom:.1f}"/>'
        + _text(scale(mark), bottom + 17, f"{mark:g}", anchor="middle", kind="dim")
        for mark in marks
    ]


def _legend(series: Sequence[Series], x: float, y: float) -> list[str]:
    parts, across = [], x
    for one in series:
        wide = 30 + LETTER * len(one.name)
        if across + wide > WIDTH and across > x:
            across, y = x, y + 18
        parts.append(f'<circle cx="{across + 5:.1f}" cy="{y - 4:.1f}" r="5" fill="{one.colour}"/>')
        parts.append(_text(across + 15, y, one.name))
        across += wide
    return parts


def _legend_height(series: Sequence[Series]) -> float:
    rows, across = 1, 12.0
    for one in series:
        wide = 30 + LETTER * len(one.name)
        if across + wide > WIDTH and across > 12:
            rows, across = rows + 1, 12.0
        across += wide
    return 18.0 * rows


def _text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "ink") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(title: str, height: float, parts: list[str]) -> str:
    name = escape(title, {'"': "&quot;"})
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'role="img" aria-label="{name}">'
    )
    heading = f'<text class="ink" x="12" y="20" font-size="14" font-weight="600">{escape(title)}</text>'
    return "\n".join([head, heading, *parts, "</svg>"])
