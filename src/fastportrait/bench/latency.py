"""How long a network takes: interleaved rounds on one machine, so that its noise falls on all alike.

CPU time is what is compared: on a shared machine it does not count the time that others took. Single-threaded
it is what the wall clock would show on an idle machine.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = Callable[[], Any]


Times = NDArray[np.float64]
"""(rounds, 2): milliseconds of CPU time and of the wall clock."""


def samples(
    runs: dict[str, Run],
    rounds: int = 200,
    warmup: int = 10,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> dict[str, Times]:
    """What every call of each run took, without the `warmup` rounds; `step` is called after every call.

    Every round calls every run once, in an order drawn anew.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for name in _rounds(list(runs), warmup + rounds, seed):
        wall, cpu = time.perf_counter(), time.process_time()
        runs[name]()
        taken[name].append((time.process_time() - cpu, time.perf_counter() - wall))
        step()
    return {name: 1e3 * np.array(pairs[warmup:]) for name, pairs in taken.items()}


def latency(
    runs: dict[str, Run], rounds: int = 200, warmup: int = 10, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Milliseconds a call of each run: median and 90th percentile of CPU time, median of the wall clock."""
    return {
        name: {
            "cpu_ms": round(float(np.median(times[:, 0])), 4),
            "cpu_ms_p90": round(float(np.percentile(times[:, 0], 90)), 4),
            "wall_ms": round(float(np.median(times[:, 1])), 4),
        }
        for name, times in samples(runs, rounds, warmup, seed).items()
    }


def spread(milliseconds: NDArray[np.float64]) -> dict[str, float]:
    """5th percentile, median and 95th percentile."""
    low, middle, high = np.percentile(milliseconds, (5, 50, 95))
    return {"p5": round(float(low), 4), "median": round(float(middle), 4), "p95": round(float(high), 4)}


def _rounds(names: list[str], rounds: int, seed: int) -> Iterator[str]:
    order = random.Random(seed)
    for _ in range(rounds):
        order.shuffle(names)
        yield from names
