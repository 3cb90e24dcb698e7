"""Whether a steadied mask trails, and how much a mask flickers on a real clip without truth.

Sequences are (T, H, W) float32 in [0, 1], two frames at least.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Alphas = NDArray[np.float32]
NEAR = 2
"""Pixels around a pixel that changed sides which count with it."""
SURE = 0.5
"""Pixels by which motion there and motion back may differ where the motion counts as known."""
SAME = 8.0
"""Levels, of 255, by which a pixel may change along its motion."""


def moving_edge_iou(alphas: Alphas, truths: Alphas) -> float:
    """Person IoU of the pixels that changed sides since the frame before, and those within `NEAR` of them.

    All frames after the first together. A mask that is a frame late gets about 0 where it moves fast; 1 where
    nothing changed sides.
    """
    both = either = 0
    for (before, truth), alpha in zip(pairwise(truths > 0.5), alphas[1:] > 0.5, strict=True):
        moved = (before != truth).astype(np.uint8)
        near = cv2.dilate(moved, np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)) > 0
        both += int((alpha & truth & near).sum())
        either += int(((alpha | truth) & near).sum())
    return both / either if either else 1.0


def unexplained(alphas: Alphas, motions: list[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> float:
    """mean |change of the mask along the picture's motion| where that is known; tables: x1000.

    `motions`: from each frame to the one before, by `motion`. A mask that moves with the picture scores 0,
    also one that is wrong in every frame; one that is late scores where it is late.
    """
    changes = []
    for (before, now), (where, known) in zip(pairwise(alphas), motions, strict=True):
        was = cv2.remap(before, where[..., 0], where[..., 1], cv2.INTER_LINEAR)
        changes.append(float(np.abs(now - was)[known].mean()))
    return float(np.mean(changes))


def motion(
    before: NDArray[np.uint8], now: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(H, W, 2): where each pixel of `now` was in `before` (x, y); (H, W): whether that is known.

    Frames are (H, W, 3) uint8. Dense inverse search at its finest, another than the filter runs on.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    was, here = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, now))
    height, width = here.shape
    back, there = (np.zeros((height, width, 2), np.float32) for _ in range(2))
    search.calc(here, was, back)
    search.calc(was, here, there)
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    where = grid + back
    x, y = where[..., 0], where[..., 1]
    again = cv2.remap(there, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(99, 99))
    colour = cv2.remap(before, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    known = np.square(again + back).sum(axis=2) < SURE**2
    known &= cv2.blur(cv2.absdiff(now, colour), (3, 3)).max(axis=2) < SAME
    return where, known
