"""What `fastportrait bench` times: the networks alone, ours and others', each in its own runtime."""

from pathlib import Path
from typing import Any

import numpy as np

from ..contenders import load
from ..segmenter import Segmenter
from .latency import Run, latency

PROTOCOL = (
    "the network alone, input ready in memory; interleaved rounds in a random order; "
    "median CPU time of the process"
)


def bench(
    models: list[str],
    *,
    threads: int,
    rounds: int,
    peers: Path | None = None,
) -> list[dict[str, Any]]:
    """One row a model (a shipped name, a file, or peer:NAME), ratios to the first.

    Raises `ValueError` where a model cannot be had.
    """
    runs: dict[str, Run] = {}
    rows: list[dict[str, Any]] = []
    for model in models:
        run, row = _ready(model, threads, peers)
        if row["name"] in runs:
            raise ValueError(f"{row['name']} is named twice")
        runs[row["name"]] = run
        rows.append(row)
    measured = latency(runs, rounds)
    first = measured[rows[0]["name"]]["cpu_ms"]
    return [
        row | measured[row["name"]] | {"ratio": round(measured[row["name"]]["cpu_ms"] / first, 3)}
        for row in rows
    ]


def _ready(model: str, threads: int, peers: Path | None) -> tuple[Run, dict[str, Any]]:
    contender = load(model, threads, peers)
    row = {name: contender.about[name] for name in ("name", "file", "sha256", "input")}
    row["runtime"] = contender.machine["runtime"]
    network: Any = contender.segment
    if not isinstance(network, Segmenter):
        prepared = network.prepare(np.full((512, 512, 3), 127, np.uint8))
        return lambda: network.network(prepared), row
    engine = network.engine
    image = np.random.default_rng(0).random((1, 3, *engine.size), np.float32)
    return lambda: engine(image), row
