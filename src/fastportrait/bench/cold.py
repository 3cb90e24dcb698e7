"""The first mask of a process that was just started, and the memory it took.

    python -m fastportrait.bench.cold MODEL THREADS [PEERS_FOLDER]        # prints JSON

What a user waits for when an app opens: Python's start, imports, reading the file, the runtime's preparation,
and one frame of 1280 x 720.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

AGAIN = 2
"""Frames after the first, for memory that only later ones take."""


def cold(model: str, threads: int, peers: Path | None, times: int = 3) -> dict[str, float | None]:
    """wall_ms and cpu_ms to the first mask, medians of `times` processes; peak_mb and added_mb of the last.

    Memory is resident; added is what came after NumPy and OpenCV were there. None where the system does not
    tell. Raises `ValueError` where a process fails.
    """
    words = [sys.executable, "-m", __spec__.name, model, str(threads), *([str(peers)] if peers else [])]
    walls, cpus, told = [], [], dict[str, Any]()
    for _ in range(times):
        begun = time.perf_counter()
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
        ):
            assert child.stdout is not None
            first = child.stdout.readline()
            walls.append(time.perf_counter() - begun)
            rest = child.stdout.read()  # not `communicate`, which loses what `readline` has read ahead
            if child.wait():
                errors.seek(0)
                raise ValueError(f"{model} in a process of its own: {errors.read().strip()[-300:]}")
        cpus.append(float(first))
        told = json.loads(rest)
    return {"wall_ms": round(1e3 * median(walls), 1), "cpu_ms": round(1e3 * median(cpus), 1), **told}


def resident_peak() -> float | None:
    """The most memory this process has had, in MB."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):  # getrusage's would be the parent's where that was larger
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main(model: str, threads: int, peers: Path | None) -> None:
    import cv2
    import numpy as np

    before = resident_peak()
    from ..contenders import load

    cv2.setNumThreads(threads)
    frame = np.full((720, 1280, 3), 127, np.uint8)
    segment = load(model, threads, peers).segment
    segment(frame)
    print(time.process_time(), flush=True)
    for _ in range(AGAIN):
        segment(frame)
    peak = resident_peak()
    memory = None if peak is None or before is None else (round(peak, 1), round(peak - before, 1))
    print(json.dumps({"peak_mb": memory and memory[0], "added_mb": memory and memory[1]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
