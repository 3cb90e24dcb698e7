"""The run behind `fastportrait bench`: all contestants side by side, in one process, on one machine."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import cv2

from .. import results
from ..results import Result
from .cold import cold
from .contestants import Contestant, contestant, files
from .frame import camera_frame
from .latency import Times, samples, spread
from .layers import layers
from .peak import HOW, Peak, peak

PROTOCOL = (
    "the network alone, input ready in memory: all contestants of as many threads in one process, "
    "interleaved rounds in a random order, percentiles over rounds; of one thread CPU time is compared, of "
    "more the wall clock. Frames: one of 1280 x 720, drawn, to its mask at that size, a fourth as many "
    "rounds. First mask: from a process's start to its first mask of such a frame, median of 3. Memory: "
    "resident, of that process; added: after NumPy and OpenCV"
)
Say = Callable[[str, int, int], None]
"""(what is being done, how much of it is done, out of how much)."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    models: list[str]
    """Shipped names, files, or peer:NAME."""
    threads: tuple[int, ...] = (1,)
    runtimes: tuple[str, ...] = ()
    """For shipped names; () is ONNX Runtime."""
    exports: Path = Path("export")
    """The folder of exported files."""
    peers: Path | None = None
    rounds: int = 200
    reference: str | None = None
    """The name that ratios are to; None: the first."""
    whole: bool = True
    """Frames, first masks and memory as well."""
    layers: bool = False
    """Time by layer, of our ONNX files."""
    data: Path | None = None
    """A folder of shards: accuracy as well, on `split`, of its first `limit` pictures."""
    scores: Path | None = None
    """A folder of results of `fastportrait evaluate` on the whole of `split`, by the models' names, to take
    accuracy from instead."""
    split: str = "val"
    limit: int | None = None


def bench(plan: Plan, say: Say = lambda what, done, of: None) -> Result:
    """A result of schema latency/2. Raises `ValueError` where a model cannot be had."""
    models = [file for model in plan.models for file in files(model, list(plan.runtimes), plan.exports)]
    twice = sorted({model for model in models if models.count(model) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}: named twice")
    begun = {threads: peak(threads) for threads in plan.threads}
    rows: list[Row] = []
    for threads in plan.threads:
        cv2.setNumThreads(threads)
        contestants = [contestant(model, threads, plan.peers) for model in models]
        rows += block(contestants, plan, say, slow_ones=threads == plan.threads[0])
    peaks = {threads: _better(begun[threads], peak(threads)) for threads in plan.threads}
    if plan.scores is not None:
        known = evaluated(plan.scores, plan.split)
        rows = [row | {"accuracy": row["accuracy"] or known.get(row["name"])} for row in rows]
    reference = plan.reference or rows[0]["name"]
    result: Result = {
        "schema": "latency/2",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {
            "device": "cpu",
            "cpu": results.cpu_name(),
            "cores": os.cpu_count() or 1,
            "bytes_per_s": max(best.bytes_per_s for best in peaks.values()),
            "how": HOW,
        },
        "peaks": [{"threads": t, "macs_per_s": best.macs_per_s} for t, best in peaks.items()],
        "protocol": PROTOCOL,
        "rounds": plan.rounds,
        "reference": reference,
        "models": compared(rows, reference, {t: best.macs_per_s for t, best in peaks.items()}),
    }
    results.check(result)
    return result


def block(contestants: list[Contestant], plan: Plan, say: Say, slow_ones: bool) -> list[Row]:
    """A row for each of `contestants`, all of as many threads, without what compares them.

    `slow_ones` are what does not depend on threads: first mask, memory, layers and accuracy.
    """
    by_key = {one.key: one for one in contestants}
    if len(by_key) < len(contestants):
        raise ValueError(f"one of these is there twice: {'; '.join(one.key for one in contestants)}")
    networks = _timed({key: one.network for key, one in by_key.items()}, plan.rounds, "networks", say)
    frames: dict[str, Times] = {}
    if plan.whole:
        frame = camera_frame()
        runs = {key: (lambda one=one: one.frame(frame)) for key, one in by_key.items()}
        frames = _timed(runs, max(5, plan.rounds // 4), "frames", say)
    rows = []
    for turn, (key, one) in enumerate(by_key.items()):
        if slow_ones and (plan.whole or plan.layers or plan.data):
            say(f"first mask, memory, layers, accuracy: {one.about['name']}", turn, len(by_key))
        column = 0 if one.about["threads"] == 1 else 1
        counted = one.cost()
        rows.append(
            one.about
            | {
                "params": counted.params if counted else None,
                "macs": counted.macs if counted else None,
                "cpu_ms": spread(networks[key][:, 0]),
                "wall_ms": spread(networks[key][:, 1]),
                "frame_ms": spread(frames[key][:, column]) if key in frames else None,
                **(_alone(one, plan) if slow_ones else NOT_MEASURED),
            }
        )
    return rows


NOT_MEASURED: Row = {"first_mask": None, "memory": None, "accuracy": None, "layers": None}


def _alone(one: Contestant, plan: Plan) -> Row:
    """What is measured of one contestant by itself."""
    found = dict(NOT_MEASURED)
    if plan.whole:
        first = cold(one.model, one.about["threads"], plan.peers)
        found["first_mask"] = {name: first[name] for name in ("wall_ms", "cpu_ms")}
        found["memory"] = {name: first[name] for name in ("peak_mb", "added_mb")}
    if plan.layers and one.about["ours"] and one.path.suffix == ".onnx":
        found["layers"] = layers(one.path, one.image)
    if plan.data is not None:
        found["accuracy"] = _accuracy(one, plan.data, plan.split, plan.limit)
    return found


def _timed(runs: dict[str, Any], rounds: int, what: str, say: Say) -> dict[str, Times]:
    warmup = max(2, min(10, rounds // 5))
    calls, done = len(runs) * (rounds + warmup), 0

    def step() -> None:
        nonlocal done
        done += 1
        say(what, done, calls)

    return samples(runs, rounds, warmup, step=step)


def _accuracy(one: Contestant, data: Path, split: str, limit: int | None) -> Row:
    from itertools import islice

    from ..data.shards import read
    from ..evaluate import PROTOCOLS, evaluate

    pictures = islice(read(data, split), limit)
    protocol = PROTOCOLS.get(split, "mask")
    measured = evaluate(one.about["name"], one.frame, pictures, protocol=protocol)
    return {"split": split, "pictures": len(measured["pictures"]), "scores": measured["scores"]}


def evaluated(folder: Path, split: str) -> dict[str, Row]:
    """{name: what the results in `folder` say of its accuracy on the whole of `split`}."""
    found = {}
    for path in sorted(folder.rglob("*.json")):
        result = results.read(path)
        if result["schema"] == "accuracy/1" and result["data"]["split"] == split and result["data"]["whole"]:
            pictures = result["data"]["pictures"]
            found[result["model"]["name"]] = {
                "split": split,
                "pictures": pictures,
                "scores": result["scores"],
            }
    if not found:
        raise ValueError(f"{folder} holds no result of `fastportrait evaluate` on the whole of {split}")
    return found


def compared(rows: list[Row], reference: str, peaks: dict[int, float]) -> list[Row]:
    """`rows` with ratios to `reference` and shares of the peak; counts that another row of a model has are
    filled in. Raises `ValueError` where there is no such reference."""
    base = {}
    for row in reversed(rows):
        if row["name"] == reference:
            base[row["threads"]] = milliseconds(row)  # the first of them, where it runs in several runtimes
    if not base:
        raise ValueError(f"--reference {reference}: not among {', '.join(sorted({r['name'] for r in rows}))}")
    known = {row["name"]: row for row in reversed(rows) if row["macs"] is not None}
    for row in rows:
        for name in ("params", "macs"):
            if row[name] is None and row["name"] in known:
                row[name] = known[row["name"]][name]
        taken = milliseconds(row)
        row["ratio"] = round(taken / base[row["threads"]], 3)
        possible = peaks[row["threads"]] * taken / 1e3
        row["peak_share"] = None if row["macs"] is None else round(row["macs"] / possible, 4)
    return rows


def milliseconds(row: Row) -> float:
    """What is compared: CPU time of one thread, of more the wall clock."""
    taken: float = row["cpu_ms" if row["threads"] == 1 else "wall_ms"]["median"]
    return taken


def _better(one: Peak, other: Peak) -> Peak:
    return Peak(max(one.macs_per_s, other.macs_per_s), max(one.bytes_per_s, other.bytes_per_s))
