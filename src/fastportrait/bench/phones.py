"""What was measured on real phones: logs of schema phone/1, as the app writes them, taken in or refused."""

import json
import math
import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .. import results
from ..results import Result

FOLDER = Path("results") / "latency" / "phones"
LARGEST = 20_000_000
"""Bytes of a log: a day of samples a second is about half of it."""
LINE = re.compile(r"[^\x00-\x1f|<>`\\]{1,300}")
"""What a text may be: it stands in tables."""


def take_in(log: Path, folder: Path = FOLDER) -> Path:
    """Checks `log` and keeps it in `folder` under its device's name. Raises `ValueError` where it is wrong.

    The same log taken in twice is one file; another one is never written over.
    """
    result = read(log)
    words = (result["device"]["name"], result["model"]["name"], result["runtime"]["backend"], result["date"])
    stem = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    for turn in range(1, 100):
        path = folder / (f"{stem}.json" if turn == 1 else f"{stem}-{turn}.json")
        if not path.exists():
            results.write(result, path)
            return path
        if results.read(path) == result:
            return path
    raise ValueError(f"{folder} holds 99 logs of {stem}: name another folder")


def read(log: Path) -> Result:
    """A checked log. Raises `ValueError` naming the file and the place."""
    try:
        if not log.is_file():
            raise ValueError("no such file")
        if log.stat().st_size > LARGEST:
            raise ValueError(f"has more than {LARGEST // 1_000_000} MB: no log of the phone app is that long")
        result = json.loads(log.read_text(encoding="utf-8"), parse_constant=_no_number)
        if not isinstance(result, dict):
            raise ValueError("is not a JSON object")
        if result.get("schema") != "phone/1":
            raise ValueError(f"schema is {result.get('schema')!r}; a log of the phone app says 'phone/1'")
        results.check(result)
        _plausible(result)
    except ValueError as error:  # also what json and utf-8 raise
        raise ValueError(f"{log}: {error}") from None
    return result


def all_of(folder: Path = FOLDER) -> list[Result]:
    """Every log that was taken in, by device, model and date."""
    logs = [read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(logs, key=lambda log: (log["device"]["name"], log["model"]["name"], log["date"]))


def row(log: Result) -> list[str]:
    """A log in a table, as `HEADS` says."""
    summary, runtime = log["summary"], log["runtime"]
    threads = (
        f", {runtime['threads']} thread{'s' if runtime['threads'] > 1 else ''}" if runtime["threads"] else ""
    )
    return [
        f"{log['device']['name']}, {log['device']['browser']}",
        log["model"]["name"],
        f"{runtime['name']}, {runtime['backend']}{threads}",
        f"{summary['network_ms_p50']:.1f}",
        f"{summary['network_ms_p95']:.1f}",
        f"{summary['latency_ms_p50']:.0f}",
        f"{summary['latency_ms_p95']:.0f}",
        f"{summary['fps']:.1f}",
        f"{log['minutes']:.1f}",
        f"{drift(log):.2f}",
        log["date"],
    ]


HEADS = [
    "device", "model", "runtime", "network ms", "p95", "camera to screen ms", "p95", "fps", "minutes",
    "last fifth / first", "date",
]  # fmt: skip


def drift(log: Result) -> float:
    """The network's time in the last fifth of the samples over that in the first: above 1 it slowed."""
    times = [sample["network_ms"] for sample in log["samples"]]
    fifth = max(1, len(times) // 5)
    return float(np.median(times[-fifth:]) / np.median(times[:fifth]))


def _no_number(word: str) -> float:
    raise ValueError(f"has {word} in place of a number")


def _plausible(log: Result) -> None:
    """What types do not say. Raises `ValueError`."""
    for where, text in _texts(log):
        if where != "protocol" and not LINE.fullmatch(text):
            raise ValueError(f"{where} is {text[:40]!r}; it must be one line of 1 to 300 plain characters")
    try:
        date.fromisoformat(log["date"])
    except ValueError:
        raise ValueError(f"date is {log['date']!r}; it must be like 2026-01-31") from None
    if not re.fullmatch(r"[0-9a-f]{64}", log["model"]["sha256"]):
        raise ValueError("model.sha256 must be 64 hexadecimal digits")
    if log["runtime"]["threads"] < 0:
        raise ValueError("runtime.threads must be 0 (not known) or more")
    positive = {f"camera.{name}": log["camera"][name] for name in ("width", "height", "fps")}
    positive |= {"minutes": log["minutes"]}
    positive |= {f"summary.{name}": value for name, value in log["summary"].items()}
    for index, sample in enumerate(log["samples"]):
        positive |= {f"samples[{index}].{name}": value for name, value in sample.items() if name != "t_s"}
    for where, value in positive.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{where} must be above 0, is {value}")
    times = [sample["t_s"] for sample in log["samples"]]
    if times[0] < 0 or any(later <= earlier for earlier, later in pairwise(times)):
        raise ValueError("samples: t_s must rise from 0 on")
    if times[-1] > 60 * log["minutes"] + 5:
        raise ValueError(f"samples end after {times[-1]:.0f} s, minutes says {log['minutes']:g}")
    _summed_up(log)


def _summed_up(log: Result) -> None:
    summary, samples = log["summary"], log["samples"]
    for name, middle in (("network_ms", "network_ms_p50"), ("latency_ms", "latency_ms_p50"), ("fps", "fps")):
        values = [sample[name] for sample in samples]
        if not 0.95 * min(values) <= summary[middle] <= 1.05 * max(values):
            raise ValueError(
                f"summary.{middle} is {summary[middle]:g}, its samples run from {min(values):g} "
                f"to {max(values):g}"
            )
    for name in ("network_ms", "latency_ms"):
        if summary[f"{name}_p95"] < summary[f"{name}_p50"]:
            raise ValueError(f"summary.{name}_p95 is below its p50")


def _texts(value: Any, where: str = "") -> list[tuple[str, str]]:
    """(place, text) of every text in a log."""
    if isinstance(value, str):
        return [(where, value)]
    if isinstance(value, dict):
        return [pair for k, v in value.items() for pair in _texts(v, f"{where}.{k}" if where else k)]
    return []
