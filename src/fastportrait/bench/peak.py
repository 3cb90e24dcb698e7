"""What this machine can do at most: multiply-adds and bytes a second, measured in the run that uses them.

    python -m fastportrait.bench.peak 1        # threads; prints JSON

In a process of its own, since a BLAS takes its number of threads when it is loaded.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

SIDES = (256, 512, 768)
"""Of the square matrices: the smallest stay in a core's cache, the largest amortise every overhead."""
COPY = 1 << 26
"""Bytes of the array copied: far beyond any cache."""
HOW = (
    f"multiply-adds: float32 products of square matrices of {', '.join(map(str, SIDES))} by NumPy's BLAS, "
    "the fastest of 20 each (one thread: CPU time; more: wall clock); bytes: a copy of "
    f"{COPY >> 20} MB, read and written, the fastest of 5 on one thread; before and after the run, the better"
)


@dataclass(frozen=True)
class Peak:
    macs_per_s: float
    bytes_per_s: float


def peak(threads: int) -> Peak:
    """Raises `ValueError` where the process that measures fails."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, str(threads)],
        env=os.environ | dict.fromkeys(names, str(threads)),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ValueError(f"this machine's peak could not be measured: {done.stderr.strip()[-300:]}")
    return Peak(**json.loads(done.stdout))


def measure(threads: int) -> Peak:
    """In this process, whose BLAS must already be held to `threads`."""
    import numpy as np

    random, rates = np.random.default_rng(0), []
    for side in SIDES:
        left, right = (random.random((side, side), np.float32) for _ in range(2))
        out = np.empty_like(left)
        for _ in range(20):
            wall, cpu = time.perf_counter(), time.process_time()
            np.matmul(left, right, out=out)
            # Of several threads each waits for the others: the wall clock is what they reach together.
            spent = time.process_time() - cpu if threads == 1 else time.perf_counter() - wall
            rates.append(side**3 / spent)
    source = np.ones(COPY, np.uint8)
    target = np.zeros(COPY, np.uint8)
    copies = []
    for _ in range(5):
        cpu = time.process_time()
        np.copyto(target, source)
        copies.append(time.process_time() - cpu)
    return Peak(max(rates), 2 * COPY / min(copies))


if __name__ == "__main__":
    found = measure(int(sys.argv[1]))
    print(json.dumps(vars(found)))
