"""A plan's time without running it: a sum over its layers, fitted to plans that were timed.

Plans and their times come from a result of scripts/measure_family.py. A layer's time is taken to grow with
its products, counted in the blocks of channels that the runtime computes in, and with the pixels it writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import results
from ..nets.plan import Layer, Plan, layers

BLOCK = 16
"""Channels that XNNPACK's float kernels compute at once on a processor with wide vectors."""
TERMS = ("products", "stem", "filters", "writes", "resizes", "image")


@dataclass(frozen=True)
class Table:
    """Times as ratios to `reference`."""

    reference: str
    coefficients: NDArray[np.float64]
    """Of `TERMS`, none below 0."""
    error: float
    """Of a plan that was left out of the fit, relatively: the root of the mean square."""

    def __call__(self, plan: Plan, size: tuple[int, int]) -> float:
        return float(terms(plan, size) @ self.coefficients)


def terms(plan: Plan, size: tuple[int, int]) -> NDArray[np.float64]:
    """What the time is a weighed sum of, in millions."""
    found = dict.fromkeys(TERMS, 0.0)
    for layer in layers(plan, size):
        found[_term(layer)] += layer.pixels * _products(layer)
        found["writes"] += layer.pixels * layer.outs
    found["image"] = float(size[0] * size[1]) * (1.3 if plan.normalised else 1.0)
    return np.array([found[name] for name in TERMS]) / 1e6


def _term(layer: Layer) -> str:
    return {"stem": "stem", "depth": "filters", "double": "resizes"}.get(layer.kind, "products")


def _products(layer: Layer) -> int:
    blocks = -(-layer.outs // BLOCK) * BLOCK
    if layer.kind in ("depth", "double"):
        return blocks
    return int(layer.kernel**2 * layer.ins * blocks)


def fitted(rows: Sequence[tuple[Plan, tuple[int, int], float]], reference: str) -> Table:
    """From (plan, size, ratio) of at least ten plans. Raises `ValueError` on fewer."""
    if len(rows) < 10:
        raise ValueError(f"a table of times is fitted to ten plans or more, not {len(rows)}")
    x = np.array([terms(plan, size) for plan, size, _ in rows])
    y = np.array([ratio for _, _, ratio in rows])
    misses = []
    for i in range(len(rows)):
        others = np.arange(len(rows)) != i
        misses.append(x[i] @ _least(x[others], y[others]) / y[i] - 1)
    return Table(reference, _least(x, y), float(np.sqrt(np.mean(np.square(misses)))))


def _least(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares of the relative error with no coefficient below 0: terms that would be go, the most
    negative first."""
    free = list(range(x.shape[1]))
    while True:
        found = np.linalg.lstsq(x[:, free] / y[:, None], np.ones(len(y)), rcond=None)[0]
        if found.min() >= 0:
            every = np.zeros(x.shape[1])
            every[free] = found
            return every
        free.pop(int(found.argmin()))


def read(path: Path) -> Table:
    """The table of a result of the schema family/1. Raises `ValueError` where it is none."""
    result: dict[str, Any] = results.read(path)
    if result["schema"] != "family/1":
        raise ValueError(f"{path} is a result of {result['schema']}; times of plans are family/1")
    rows = []
    for row in result["plans"]:
        height, width = (int(side) for side in row["input"].split("x"))
        rows.append((Plan.read(row["plan"]), (height, width), float(row["ratio"])))
    return fitted(rows, result["reference"]["name"])
