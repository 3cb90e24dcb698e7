"""What kind of picture it is, read off the picture and its truth, so that errors can be told by kind.

Every limit is a round number chosen before anything was measured with it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

FIELDS = ("size of the person", "framing", "brightness", "contrast at the edge")
SIZES = (0.05, 0.15, 0.4, 0.7)
"""Shares of the picture that the person fills."""
LUMAS = (60, 100, 160)
CONTRASTS = (25, 50, 100)
"""Distances between mean colours, RGB in 0..255."""


def kinds(image: Picture, truth: Picture) -> dict[str, str]:
    """`FIELDS` of a picture, (H, W, 3) uint8 RGB, whose truth is (H, W) uint8; brightness alone where the
    truth holds nobody."""
    luma = float(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean())
    found = {"brightness": "mean luma " + _between(luma, LUMAS, "")}
    mask = truth > 127
    if not mask.any():
        return found
    found["size of the person"] = _between(100 * float(mask.mean()), [100 * size for size in SIZES], " %")
    found["framing"] = _framing(mask)
    contrast = _contrast(image, mask)
    if contrast is not None:
        found["contrast at the edge"] = _between(contrast, CONTRASTS, "")
    return found


def _between(value: float, limits: "tuple[float, ...] | list[float]", unit: str) -> str:
    """ "15 to 40 %": the two limits that `value` lies between; the lower one is part of it."""
    above = sum(value >= limit for limit in limits)
    if above == 0:
        return f"under {limits[0]:g}{unit}"
    if above == len(limits):
        return f"{limits[-1]:g}{unit} and more"
    return f"{limits[above - 1]:g} to {limits[above]:g}{unit}"


def _framing(mask: NDArray[np.bool_]) -> str:
    """Which of the picture's borders cut the person off: at a twentieth of the border or more."""
    sides = {"top": mask[0], "left": mask[:, 0], "right": mask[:, -1], "bottom": mask[-1]}
    cut = [name for name, side in sides.items() if side.mean() >= 0.05]
    if not cut:
        return "whole inside the picture"
    return "cut at the bottom" if cut == ["bottom"] else "cut at the top or a side"


def _contrast(image: Picture, mask: NDArray[np.bool_]) -> float | None:
    """How far the mean colours beside the edge are apart, in bands of 3 % of the diagonal; None without."""
    side = 2 * max(1, round(0.03 * float(np.hypot(*mask.shape)))) + 1
    plane, square = mask.view(np.uint8), np.ones((side, side), np.uint8)
    inside = mask & (cv2.erode(plane, square) == 0)
    outside = ~mask & (cv2.dilate(plane, square) > 0)
    if not inside.any() or not outside.any():
        return None
    return float(np.linalg.norm(image[inside].mean(axis=0) - image[outside].mean(axis=0)))
