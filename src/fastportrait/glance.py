"""A glance at a frame beside an earlier one: has the scene been cut, does nothing move?

Both questions are asked of the network's input, which is there anyway, made smaller: a quarter of a
millisecond. `scripts/measure_steady.py` chose the numbers; docs/steady.md has them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Cells of a glance along each side."""
CUT = 0.45
"""Share of the cells that have nothing to do with what lay near them before, from which on it is a cut."""
NEAR = 4
"""How far a cell may have moved between two frames, in cells: a sixteenth of the picture."""
APART = 24.0
"""Levels, of 255, by which a cell's colour may change without being another."""
QUIET = 1.2
"""Levels by which the mean of 3 x 3 cells may change while nothing moves, on a camera without noise ..."""
NOISE = 5.0
"""... with noise so many times the median change ..."""
LOUD = 4.0
"""... and never more than this."""


@dataclass(frozen=True)
class Glance:
    colours: NDArray[np.float32]
    """(SIDE, SIDE, 3) RGB in 0..255, means of cells."""


def glance(small: NDArray[np.float32]) -> Glance:
    """`small`: the frame at the network's size, (h, w, 3) RGB in 0..255."""
    return Glance(np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32))


def is_cut(before: Glance, now: Glance) -> bool:
    """Whether `now` shows another scene than `before`, the frame just before it."""
    return novelty(before, now) > CUT


def novelty(before: Glance, now: Glance) -> float:
    """The share of cells in [0, 1] whose colour lay nowhere near them before.

    A change of exposure is taken out first: it changes every cell alike, and is no cut.
    """
    gain = np.clip((now.colours.mean() + 8) / (before.colours.mean() + 8), 0.7, 1.4)
    was = before.colours * gain
    window = np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)
    below = cv2.erode(was, window) - now.colours
    above = now.colours - cv2.dilate(was, window)
    return float((np.maximum(below, above).max(axis=2) > APART).mean())


def is_still(before: Glance, now: Glance) -> bool:
    """Whether nothing but noise lies between two frames, however many others lay between them."""
    change = np.abs(cv2.blur(now.colours - before.colours, (3, 3))).max(axis=2)
    return bool(change.max() <= max(QUIET, min(NOISE * float(np.median(change)), LOUD)))
