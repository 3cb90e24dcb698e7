"""What plans take in LiteRT on one thread, beside a network that everybody knows."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..bench.contestants import Contestant, contestant
from ..bench.latency import Times, samples, spread
from ..export.filled import filled
from ..nets.card import Card
from ..nets.network import Network
from ..nets.plan import Plan
from ..nets.topdown import SMALL, TopDown

PEER = "mediapipe-selfie"
Size = tuple[int, int]


@dataclass(frozen=True)
class Reference:
    """What ratios are to."""

    name: str
    model: str
    """As `bench.contestants.contestant` takes it."""


def card(plan: Plan, size: Size) -> Card:
    return Card("topdown", partial(TopDown, plan), size)


def file(plan: Plan, size: Size, path: Path, net: Network | None = None) -> Path:
    """Writes the network of `plan`, with `net`'s weights or by a formula, as float32 for LiteRT."""
    from ..export.litert import build, write_card

    made, part = card(plan, size), path.with_suffix(".part.tflite")
    build(filled(made) if net is None else net, size, part)
    write_card(part, {"network": "topdown", "size": list(size), "plan": plan.write()})
    return part.replace(path)


def reference(folder: Path, peers: Path | None = None) -> Reference:
    """MediaPipe's selfie segmenter where its file lies in `peers`, else our `small` by a formula, written to
    `folder`."""
    from .. import peers as others

    if PEER in others.present(others.folder(peers)):
        return Reference(PEER, f"peer:{PEER}")
    path = folder / "small.tflite"
    return Reference("small", str(path if path.is_file() else file(SMALL, (256, 256), path)))


def timed(
    models: dict[str, str], rounds: int, peers: Path | None = None, step: Any = lambda: None
) -> dict[str, Times]:
    """Milliseconds of every round, of `models` by name, interleaved on one thread in this process."""
    ready: dict[str, Contestant] = {name: contestant(model, 1, peers) for name, model in models.items()}
    runs = {name: one.network for name, one in ready.items()}
    return samples(runs, rounds, warmup=max(2, min(10, rounds // 5)), step=step)


def ratio(times: Times, base: Times) -> float:
    """Of CPU time: the median over rounds of what each round's two calls differ by, so that a slow spell of
    the machine counts little."""
    import numpy as np

    return round(float(np.median(times[:, 0] / base[:, 0])), 4)


def latency(
    plan: Plan, size: Size, *, peers: Path | None = None, rounds: int = 60, net: Network | None = None
) -> float:
    """The time of one plan as a ratio to the reference, both timed here and now."""
    with tempfile.TemporaryDirectory() as folder:
        against = reference(Path(folder), peers)
        path = file(plan, size, Path(folder) / "candidate.tflite", net)
        times = timed({"it": str(path), against.name: against.model}, rounds, peers)
    return ratio(times["it"], times[against.name])


def instructions(plan: Plan, size: Size, net: Network | None = None) -> int:
    """Of one mask on an emulated Cortex-A76 (bench/arm64), the network in LiteRT."""
    from ..bench.arm64.count import count
    from ..bench.arm64.machine import folder, machine

    with tempfile.TemporaryDirectory() as work:
        path = file(plan, size, Path(work) / "candidate.tflite", net)
        return int(count(contestant(str(path), 1, None), machine(folder(None)))["instructions"])


def rows(times: dict[str, Times], against: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By name: the spread of CPU milliseconds and the ratio."""
    return {
        name: {"cpu_ms": spread(times[name][:, 0]), "ratio": ratio(times[name], times[against])}
        for name in names
    }
