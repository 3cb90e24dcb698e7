"""Measuring a model on pictures with masks: each at its own size, then means with intervals, then groups."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bench.sequences import Sequence
from .data.shards import Sample
from .metrics import LABELS, SCORES, VARIANTS, difference, interval, number, percentile_5, share_interval
from .metrics.motion import dtssd, flicker
from .metrics.score import score
from .metrics.slices import FIELDS, kinds
from .results import Result

Segment = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
Row = dict[str, Any]
Watch = Callable[[Sample, NDArray[np.float32], Row], None]

PROTOCOLS = {"matte": "matte", "empty": "empty", "background": "empty"}
"""Which `SCORES` a split of this name is measured by; any other by "mask"."""

HEADLINES = ("iou", "boundary_iou", "mad", "false_mask")
"""What groups are compared by."""


def evaluate(
    name: str,
    segment: Segment,
    samples: Iterable[Sample],
    *,
    protocol: str = "mask",
    seed: int = 0,
    watch: Watch | None = None,
) -> Result:
    """The measured half of a result file: protocol, metrics, scores, groups and pictures.

    `segment` takes (H, W, 3) uint8 RGB and gives (H, W) float32 in [0, 1]. `protocol` is a name of `SCORES`.
    `watch` sees every picture with its alpha and its row (see report.py). `seed` draws the bootstrap.

    Raises `ValueError` naming model and picture where a mask is missing or wrong.
    """
    measure = SCORES[protocol]
    rows: list[Row] = []
    metas: list[dict[str, Any]] = []
    for sample in samples:
        truth = sample.alpha
        if protocol == "empty":
            if truth is not None and truth.max() > 127:
                raise ValueError(f"{sample.key} has a mask with a person in it: not a picture without people")
            truth = np.zeros(sample.image.shape[:2], np.uint8)
        elif truth is None:
            raise ValueError(f"{sample.key} has no mask to measure against")
        alpha = segment(sample.image)
        try:
            scores = measure(alpha, truth)
        except ValueError as error:
            raise ValueError(f"{name} on {sample.key}: {error}") from error
        row: Row = {"key": sample.key} | {metric: round(value, 6) for metric, value in scores.items()}
        rows.append(row)
        metas.append(sample.meta | kinds(sample.image, truth))
        if watch is not None:
            watch(sample, alpha, row)
    return _result(protocol, rows, metas, ("mask", *FIELDS), seed)


def evaluate_motion(name: str, segment: Segment, sequences: Iterable[Sequence], *, seed: int = 0) -> Result:
    """As `evaluate`, one row a sequence: masks and MAD as means over its frames, and how steady they are.

    Every frame is segmented by itself, from nothing.
    """
    rows: list[Row] = []
    metas: list[dict[str, Any]] = []
    for sequence in sequences:
        alphas = np.stack([segment(frame) for frame in sequence.frames])
        try:
            frames = [score(*pair) for pair in zip(alphas, sequence.alphas, strict=True)]
        except ValueError as error:
            raise ValueError(f"{name} on {sequence.key}: {error}") from error
        scores = {metric: float(np.mean([frame[metric] for frame in frames])) for metric in frames[0]}
        scores |= {
            "dtssd": dtssd(alphas, sequence.alphas),
            "flicker": flicker(alphas, sequence.alphas, sequence.places),
        }
        rows.append({"key": sequence.key} | {metric: round(value, 6) for metric, value in scores.items()})
        metas.append(sequence.meta)
    return _result("motion", rows, metas, (), seed)


def _result(
    protocol: str, rows: list[Row], metas: list[dict[str, Any]], fields: tuple[str, ...], seed: int
) -> Result:
    """Groups by source and kind always, by `fields` where any picture says them."""
    if not rows:
        raise ValueError("nothing to measure: no picture")
    scores = summary(rows, seed)
    told = ["source", "kind", *(field for field in fields if any(meta.get(field) for meta in metas))]
    return {
        "protocol": protocol,
        "metrics": {metric: VARIANTS[metric] for metric in scores},
        "scores": scores,
        "groups": {field: groups(rows, metas, field, seed) for field in told},
        "pictures": rows,
    }


def summary(rows: list[Row], seed: int) -> dict[str, dict[str, float]]:
    """Means over pictures with 95 % intervals, then what is not a mean."""
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "key"}
    result = {name: _estimate(column, seed) for name, column in columns.items()}
    if "iou" in columns:
        result["iou_p5"] = _estimate(columns["iou"], seed, percentile_5)
    if "false_mask" in columns:
        over = columns["false_mask"] > 0.01
        result["over_1_percent"] = _rounded(float(over.mean()), *share_interval(over))
    if "found" in columns:
        missed = columns["found"] < 0.1
        result["missed"] = _rounded(float(missed.mean()), *share_interval(missed))
    return result


def groups(rows: list[Row], metas: list[dict[str, Any]], field: str, seed: int = 0) -> list[dict[str, Any]]:
    """Means by what `field` of the pictures' metadata says, the worst group first.

    The metrics of `HEADLINES` have their 95 % interval beside them: `iou_low`, `iou_high`.
    """
    members: dict[str, list[Row]] = {}
    for row, meta in zip(rows, metas, strict=True):
        members.setdefault(str(meta.get(field, "unknown")), []).append(row)
    return worst_first(
        [{"name": name, "pictures": len(group)} | _means(group, seed) for name, group in members.items()]
    )


def _means(group: list[Row], seed: int) -> dict[str, float]:
    means: dict[str, float] = {}
    for metric in group[0]:
        if metric == "key":
            continue
        values = [row[metric] for row in group]
        means[metric] = round(float(np.mean(values)), 6)
        if metric in HEADLINES:
            low, high = interval(values, seed)
            means |= {f"{metric}_low": round(low, 6), f"{metric}_high": round(high, 6)}
    return means


def worst_first(rows: list[Row]) -> list[Row]:
    """By person IoU, or by false mask where nobody is there."""
    return sorted(rows, key=lambda row: row["iou"] if "iou" in row else -row["false_mask"])


def against(ours: Result, theirs: Result) -> dict[str, tuple[float, float, float]]:
    """(mean, low, high) of ours - theirs for every metric of both: a paired bootstrap over the same pictures.

    Raises `ValueError` where the pictures are not the same.
    """
    other = {row["key"]: row for row in theirs["pictures"]}
    keys = [row["key"] for row in ours["pictures"]]
    if set(keys) != other.keys() or ours["protocol"] != theirs["protocol"]:
        both = len(other.keys() & set(keys))
        raise ValueError(f"not the same pictures: {len(keys)} here, {len(other)} there, {both} in both")
    names = [name for name in ours["pictures"][0] if name != "key" and name in theirs["pictures"][0]]
    return {n: difference([r[n] for r in ours["pictures"]], [other[k][n] for k in keys]) for n in names}


def log_line(result: Result) -> str:
    """One dated line for docs/log.md."""
    numbers = ", ".join(
        f"{LABELS[name][0].removesuffix(' %')} {number(name, score['value'])}"
        for name, score in result["scores"].items()
    )
    model, data = result["model"], result["data"]
    pictures = f"{data['pictures']} pictures" if data["whole"] else f"only {data['pictures']} pictures"
    origin = f"weights {model['sha256'][:8]}, commit {result['commit'][:8]}"
    return f"- {result['date']}: {model['name']} on `{data['split']}` ({pictures}): {numbers} ({origin})"


def log(line: str, path: Path) -> None:
    """Puts `line` above the first line of its kind in `path`: newest first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next((i for i, old in enumerate(lines) if old.startswith("- ")), len(lines))
    lines.insert(first, line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _estimate(
    values: NDArray[np.float64], seed: int, statistic: Callable[..., Any] = np.mean
) -> dict[str, float]:
    return _rounded(float(statistic(values)), *interval(values, seed, statistic))


def _rounded(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": round(value, 6), "low": round(low, 6), "high": round(high, 6)}
