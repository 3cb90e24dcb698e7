"""Filters of masks over time, beside each other and beside networks with memory, on sequences and on clips.

A system is made anew for each sequence (its memory is empty then) and called with each frame in turn.
"""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import transform
from ..metrics.motion import dtssd, flicker
from ..metrics.video import motion, moving_edge_iou, unexplained
from ..segmenter import STRETCH, Segmenter
from ..steady import Exponential, Filter, Flow, OneEuro, Raw, Still
from .sequences import Sequence

Frame = NDArray[np.uint8]
System = Callable[[], Callable[[Frame], NDArray[np.float32]]]
"""Makes what takes (H, W, 3) frames of one sequence in turn and gives each one's alpha (H, W)."""

FILTERS: dict[str, Callable[[], Filter]] = {
    "none": Raw,
    "exponential, 0.4": lambda: Exponential(0.4),
    "exponential, 0.6": lambda: Exponential(0.6),
    "one euro, 0.5": lambda: OneEuro(beta=0.5),
    "one euro, 2": lambda: OneEuro(beta=2.0),
    "one euro, 6": lambda: OneEuro(beta=6.0),
    "where still, 0.8, 6": lambda: Still(0.8, 6.0),
    "where still, 0.8, 10": lambda: Still(0.8, 10.0),
    "flow, 0.7, 6": lambda: Flow(0.7, 6.0),
    "flow, 0.7, 10": lambda: Flow(0.7, 10.0),
    "flow, 0.8, 10": lambda: Flow(0.8, 10.0),
    "flow, 0.8, 15": lambda: Flow(0.8, 15.0),
    "flow, 0.9, 10": lambda: Flow(0.9, 10.0),
}
"""What `Stream` was chosen from: keep, or beta, or keep and same."""


def masks(segmenter: Segmenter, frames: Iterable[Frame]) -> list[tuple[NDArray[np.float32], Frame]]:
    """The network's mask of each frame and the frame at its size: what a filter is given."""
    found = []
    for frame in frames:
        image, where = transform.to_network(frame, segmenter.engine.size, STRETCH)
        mask = transform.from_network(segmenter.engine(image), where)
        found.append((mask, np.asarray(transform.resize(frame, mask.shape), np.uint8)))
    return found


def filtered(made: Filter, given: list[tuple[NDArray[np.float32], Frame]], size: tuple[int, int]) -> Any:
    """((T, H, W) at `size`, CPU milliseconds a frame of the filter alone)."""
    spent, alphas = 0.0, []
    for mask, small in given:
        start = process_time()
        shown = made(mask, small)
        spent += process_time() - start
        alphas.append(transform.resize(shown, size))
    return np.stack(alphas), 1000 * spent / len(given)


def scores(alphas: NDArray[np.float32], one: Sequence) -> dict[str, float]:
    """All measures of one sequence."""
    ours, truth = alphas > 0.5, one.alphas > 0.5
    both, either = (ours & truth).sum((1, 2)), (ours | truth).sum((1, 2))
    return {
        "dtssd": dtssd(alphas, one.alphas),
        "flicker": flicker(alphas, one.alphas, one.places),
        "moving_edge_iou": moving_edge_iou(alphas, one.alphas),
        "iou": float(np.mean(both / np.maximum(either, 1))),
        "mad": float(np.abs(alphas - one.alphas).mean()),
    }


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([row[name] for row in rows])), 6) for name in rows[0]}


def ran(make: System, frames: Iterable[Frame]) -> NDArray[np.float32]:
    """(T, H, W): one sequence through a new system."""
    system = make()
    return np.stack([system(frame) for frame in frames])


def clip(path: Path, first: int, count: int) -> list[Frame]:
    """`count` frames of a video from frame `first` on, RGB. Raises `ValueError` where it has too few."""
    video = cv2.VideoCapture(str(path))
    frames = []
    for index in range(first + count):
        good, frame = video.read()
        if not good:
            raise ValueError(f"{path}: has {index} frames that can be read, {first + count} are needed")
        if index >= first:
            frames.append(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8))
    return frames


def motions(frames: list[Frame]) -> list[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """From each frame after the first to the one before it."""
    return [motion(before, now) for before, now in itertools.pairwise(frames)]


__all__ = ["FILTERS", "clip", "filtered", "masks", "means", "motions", "ran", "scores", "unexplained"]
