"""Instructions that one mask costs an emulated Cortex-A76, in the runtime that a file is for.

The count is deterministic and can be compared; it is a cost and not a latency: how many instructions a
processor runs at once, and how long it waits for memory, are not in it.
"""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import results
from ...peers.custom_op import standard
from ...results import Result
from ..contestants import ENDINGS, Contestant
from . import guest
from .machine import CPU, WHEELS, Machine, Say, last

FEW, MANY = 2, 4
PROTOCOL = (
    f"instructions of an emulated {CPU} (QEMU 7.2, user mode, counted by a plugin of ours), one thread, one "
    f"mask: those of a process with {MANY} masks less those of one with {FEW}, by their difference; the "
    "runtimes' own wheels for ARM64. A cost, not a latency"
)
MOST_MACS = 1_000_000_000
"""Of other systems: the emulator does about ten million instructions a second."""
TOLERANCE = 2e-2
"""How far an output may be from that of the same file and runtime on this machine."""


def runtime_of(path: Path) -> str | None:
    """The runtime here that runs a file; None where there is none."""
    found = [
        name for name, ending in ENDINGS.items() if path.name.endswith(ending) and name in guest.RUNTIMES
    ]
    return found[0] if found else None


def small_enough(one: Contestant) -> bool:
    """Whether it can be emulated in minutes."""
    cost = one.cost()
    return runtime_of(one.path) is not None and not one.extra and cost is not None and cost.macs <= MOST_MACS


def count(one: Contestant, machine: Machine, say: Say = lambda line: None) -> dict[str, Any]:
    """A row of schema arm64/1. Raises `ValueError` where it cannot run there, or gives another mask."""
    runtime = runtime_of(one.path)
    if runtime is None or one.extra:
        raise ValueError(f"{one.about['name']}: --arm64 runs {', '.join(guest.RUNTIMES)} files of one input")
    say(f"{one.about['name']} in {runtime}")
    with tempfile.TemporaryDirectory() as folder:
        path = _plain(one.path, Path(folder))
        image = Path(folder) / "image.npy"
        np.save(image, one.image)
        counts = [_counted(machine, runtime, path, image, times) for times in (FEW, MANY)]
        there = np.load(image.with_name("alpha.npy"))
        here = guest.RUNTIMES[runtime](str(path))(one.image)
    error = agreement(here, there, one.about["name"])
    few, many = counts
    instructions, accesses = ((m - f) // (MANY - FEW) for m, f in zip(many, few, strict=True))
    return {
        "name": one.about["name"],
        "ours": one.about["ours"],
        "file": one.about["file"],
        "sha256": one.about["sha256"],
        "bytes": one.about["bytes"],
        "input": one.about["input"],
        "runtime": runtime,
        "instructions": instructions,
        "memory_accesses": accesses,
        "start": few[0] - FEW * instructions,
        "max_error": round(error, 8),
    }


def agreement(here: NDArray[np.float32], there: NDArray[np.float32], name: str) -> float:
    """The largest difference between the two; raises `ValueError` where it is too large."""
    if here.shape != there.shape:
        raise ValueError(f"{name}: {there.shape} on ARM64, {here.shape} here")
    if np.ptp(here) < 0.1:
        raise ValueError(f"{name}: its output is flat, so that agreeing with it says nothing")
    error = float(np.abs(here - there).max())
    if not error <= TOLERANCE:
        raise ValueError(
            f"{name}: on ARM64 its output differs by up to {error:.3g} from that on this machine "
            f"(allowed {TOLERANCE:g}): its count would be that of another network"
        )
    return error


def _plain(path: Path, folder: Path) -> Path:
    """A file that the plain runtime loads: the same, or without MediaPipe's own operator."""
    if path.suffix != ".tflite":
        return path.resolve()
    rewritten = folder / path.name
    rewritten.write_bytes(standard(path.read_bytes()))
    return rewritten


def _counted(machine: Machine, runtime: str, path: Path, image: Path, times: int) -> tuple[int, int]:
    """Instructions and memory accesses of a whole process that makes `times` masks."""
    out = image.with_name("alpha.npy")
    done = machine.run([guest.__file__, runtime, str(path), str(image), str(out), str(times)], count=True)
    words = [line.split()[1:] for line in done.stderr.splitlines() if line.startswith("icount ")]
    if done.returncode or not words:
        raise ValueError(f"{path.name} does not run on the emulated machine: {last(done.stderr)}")
    return int(words[-1][0]), int(words[-1][1])


def result(rows: list[dict[str, Any]], reference: str) -> Result:
    """The whole result; ratios are of instructions, to the first row of `reference`."""
    base = next((row["instructions"] for row in rows if row["name"] == reference), None)
    if base is None:
        raise ValueError(f"--reference {reference}: not among {', '.join(row['name'] for row in rows)}")
    found: Result = {
        "schema": "arm64/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"cpu": CPU, "emulator": "QEMU 7.2 user mode", "wheels": list(WHEELS)},
        "protocol": PROTOCOL,
        "reference": reference,
        "models": [row | {"ratio": round(row["instructions"] / base, 3)} for row in rows],
    }
    results.check(found)
    return found
