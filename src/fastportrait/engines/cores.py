"""What every engine asks: how many threads it may use, and whether what comes out is an alpha."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import ModelError

MANY = 4
"""Threads beyond which a network of a few milliseconds gains nothing."""


def some_threads(threads: int | None) -> int:
    """`threads`, or a good number."""
    return threads or min(MANY, cores())


def cores() -> int:
    """The cores this process may use: a runtime's own count is the machine's, also inside a container."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_range(alpha: NDArray[np.float32], path: str | Path) -> NDArray[np.float32]:
    """`alpha` clipped to [0, 1]; ModelError where it is further off than rounding."""
    low, high = float(alpha.min()), float(alpha.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # not: `nan` is wrong too
        raise ModelError(f"{path}: its alpha runs from {low:.3g} to {high:.3g}; it must stay in 0..1")
    return alpha.clip(0, 1)
