"""The main person of a mask that shows several: chosen by size and place, soft edges and all.

A person is a connected part of the mask. Two who overlap in the picture are one part, and stay together.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

SUBJECTS = ("all", "main")
NEAR = 0.02
"""Parts as near to the main one as this share of the diagonal belong to it: a hand, a head behind an arm."""


class Part(NamedTuple):
    """A connected part of a mask."""

    label: int
    size: float
    """Its share of the mask's pixels."""
    aside: float
    """How far its middle lies from the picture's, 0 to 1, sideways."""
    low: float
    """How far down it reaches, 0 to 1: whoever holds the camera is cut off by the picture's lower edge."""


def weight(part: Part) -> float:
    """How much speaks for a part being the main person: its size, counted down to half at the sides and to
    half where it ends high up."""
    return part.size * (1 - part.aside / 2) * (1 + part.low) / 2


def main_subject(mask: NDArray[np.float32], weight: Callable[[Part], float] = weight) -> NDArray[np.float32]:
    """(h, w) in [0, 1] -> the same with everyone else at 0. Meant for the network's own mask, small and soft.

    The main person has the largest `weight`. Faint pixels go with the part that is nearest to them. A mask
    with one part, or none, stays as it is.
    """
    parts, territory = parts_of(mask)
    if len(parts) < 2:
        return mask
    main = max(parts, key=weight).label
    reach = max(1, round(NEAR * math.hypot(*mask.shape)))
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    around = cv2.dilate(((territory == main) & (mask > 0.5)).astype(np.uint8), near) > 0
    kept = np.unique(territory[around & (mask > 0.5)])
    return np.where(np.isin(territory, kept), mask, np.float32(0))


def parts_of(mask: NDArray[np.float32]) -> tuple[list[Part], NDArray[np.int32]]:
    """The connected parts above one half, and (h, w), for each pixel, the label of the nearest."""
    person = mask > 0.5
    if not person.any():
        return [], np.zeros(mask.shape, np.int32)
    outside = np.where(person, 0, 255).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    height, width = mask.shape
    found = []
    for label in np.unique(labels[person]):
        rows, columns = np.nonzero(person & (labels == label))
        middle = (columns.mean() + 0.5) / width
        found.append(
            Part(int(label), rows.size / mask.size, abs(2 * middle - 1), (float(rows.max()) + 1) / height)
        )
    return found, labels.astype(np.int32, copy=False)
