"""How far a mean over pictures would move with other pictures: seeded percentile bootstrap, 95 %.

B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Pictures are drawn with
replacement, whole: pixels of one picture are not independent.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
ENOUGH = 20
"""Pictures below which a bootstrap is too sure of itself: it knows no picture but these."""


def percentile_5(values: NDArray[np.float64], axis: int | None = None) -> Any:
    """The value that one picture in twenty falls below."""
    return np.percentile(values, 5, axis=axis)


def interval(
    values: ArrayLike, seed: int = 0, statistic: Callable[..., Any] = np.mean, draws: int = DRAWS
) -> tuple[float, float]:
    """The 95 % interval of `statistic` (called with axis=1) over `values`, one a picture."""
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not sample.size:
        raise ValueError(f"an interval needs one value a picture, got an array of shape {sample.shape}")
    drawn = np.random.default_rng(seed).integers(sample.size, size=(draws, sample.size))
    low, high = np.percentile(statistic(sample[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)


def share_interval(hits: ArrayLike) -> tuple[float, float]:
    """The 95 % Wilson interval of the share of True in `hits`, one a picture.

    A bootstrap of 0 in 200 says "0 to 0", as if no picture could ever fail; this says "0 to 1.9 %".
    (E. B. Wilson, "Probable inference", JASA 22, 1927.)
    """
    sample = np.asarray(hits, np.float64)
    n, share, z = sample.size, sample.mean(), 1.96
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return max(0.0, float(low)), min(1.0, float(high))


def difference(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """(mean, low, high) of ours - theirs, paired: value i of both is of the same picture.

    An interval that leaves out 0 says that one model is better on pictures like these. Because each picture
    is compared with itself, it is much narrower than two intervals held side by side.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"a paired difference needs the same pictures: {len(ours)} and {len(theirs)} values")
    gaps = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    return float(gaps.mean()), *interval(gaps, seed)


def paired(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> dict[str, float]:
    """`difference` by name, `pictures`, and the `share` of resamples where it is above 0 (ties half)."""
    mean, low, high = difference(ours, theirs, seed)
    gaps = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    drawn = np.random.default_rng(seed).integers(gaps.size, size=(DRAWS, gaps.size))
    means = gaps[drawn].mean(axis=1)
    share = float((means > 0).mean() + (means == 0).mean() / 2)
    return {"mean": mean, "low": low, "high": high, "share": share, "pictures": gaps.size}


def verdict(gap: dict[str, float], ours: str, theirs: str, *, more_is_better: bool) -> str:
    """What `paired` says, in words."""
    if gap["low"] == gap["high"] == 0:
        return f"{ours} and {theirs} do not differ"
    up = gap["mean"] > 0
    better, worse = (ours, theirs) if up == more_is_better else (theirs, ours)
    share = gap["share"] if up else 1 - gap["share"]
    if gap["low"] <= 0 <= gap["high"]:
        return (
            f"{better} looks better than {worse} in {100 * share:.1f} % of the resamples, "
            "not beyond doubt: the interval holds 0"
        )
    if gap["pictures"] < ENOUGH:
        return f"{better} looks better than {worse}, not beyond doubt: {gap['pictures']} pictures are too few"
    return f"{better} is better than {worse} (in {100 * share:.1f} % of the resamples)"
