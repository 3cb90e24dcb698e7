"""How long a network takes: interleaved rounds on one machine, so that its noise falls on all alike.

CPU time is what is compared: on a shared machine it does not count the time that others took. Single-threaded
it is what the wall clock would show on an idle machine.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Run = Callable[[], Any]


def latency(
    runs: dict[str, Run], rounds: int = 200, warmup: int = 10, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Milliseconds a call of each run: median and 90th percentile of CPU time, and median of the wall clock.

    Every round calls every run once, in an order drawn anew.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for name in _rounds(list(runs), warmup + rounds, seed):
        wall, cpu = time.perf_counter(), time.process_time()
        runs[name]()
        taken[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    result = {}
    for name, pairs in taken.items():
        cpu_ms, wall_ms = 1e3 * np.array(pairs[warmup:]).T
        result[name] = {
            "cpu_ms": round(float(np.median(cpu_ms)), 4),
            "cpu_ms_p90": round(float(np.percentile(cpu_ms, 90)), 4),
            "wall_ms": round(float(np.median(wall_ms)), 4),
        }
    return result


def _rounds(names: list[str], rounds: int, seed: int) -> Iterator[str]:
    order = random.Random(seed)
    for _ in range(rounds):
        order.shuffle(names)
        yield from names
