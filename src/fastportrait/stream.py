"""Stream: frames of a video or a camera, one after the other, to alphas that hold still.

frame --to_network--> image --glance: cut? still?--> engine --> mask --steady--> mask --edges--> alpha (H, W)

What is remembered lies here and not in the segmenter, so that many streams can share one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import transform
from .engines.memory import State, remembers
from .glance import Glance, glance, is_cut, is_still
from .refine import halved, refine_frame
from .steady import Filter, Flow, Plane, Raw

if TYPE_CHECKING:
    from .segmenter import Segmenter

VANISH = 0.75
"""The presence below which somebody who was there is gone; to appear takes `segmenter.PRESENT`."""
CALM = 9
"""Frames for which nothing may have moved before the network rests: the filter's way to its end."""
HOLD = 30
"""Frames after which the network looks again even if nothing moves."""


class Stream:
    """`stream(frame)` for each frame in turn. One stream is for one thread.

    `frames`, `skipped` and `cuts` count what it saw since it was made; `presence`, in [0, 1], is the last
    alpha's, and `there` says whether that is somebody.
    """

    def __init__(self, segmenter: Segmenter, *, steady: bool = True, idle: bool = False) -> None:
        """`steady`: a network's own memory is carried on; the masks of one without are filtered over time.
        `idle`: the network rests while nothing moves."""
        self.segmenter, self.idle = segmenter, idle
        self.frames = self.skipped = self.cuts = 0
        engine = segmenter.engine
        self._memory = engine if steady and remembers(engine) else None
        self._filter: Filter = Flow() if steady and self._memory is None else Raw()
        self.reset()

    def reset(self) -> None:
        """Forget: the next frame has nothing to do with the last. Cuts and new sizes do it by themselves."""
        self._filter.reset()
        self._state: State | None = None
        self._size: tuple[int, ...] | None = None
        self._last: Glance | None = None
        self._looked: Glance | None = None
        self._mask: Plane | None = None
        self._alpha: Plane | None = None
        self.presence, self.there = 0.0, False
        self._calm = 0
        self._held = 0

    def __call__(self, frame: ArrayLike) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB -> alpha, (H, W) float32 in [0, 1]; all zero where nobody is.

        Raises ValueError on any other array. The array is the caller's own.
        """
        from .segmenter import as_frame

        picture = as_frame(frame)
        half = halved(picture)
        mask = self._look(picture, half)
        if not self.idle:
            return self._draw(picture, half, mask)
        if self._alpha is None:
            self._alpha = self._draw(picture, half, mask)
        return self._alpha.copy()

    def mask(self, frame: NDArray[np.uint8]) -> Plane:
        """The next frame's mask alone, (h, w) in [0, 1], at the network's resolution. A step, too."""
        return self._look(frame, halved(frame))

    def alpha(self, frame: NDArray[np.uint8], mask: Plane) -> Plane:
        """`mask` at the frame's size, its edges drawn on the frame's; all zero where nobody is.

        Somebody who is there may be less clearly there for a while: the threshold to vanish is lower.
        """
        return self._draw(frame, halved(frame), mask)

    def _look(self, frame: NDArray[np.uint8], half: NDArray[np.uint8]) -> Plane:
        """`mask` of a frame whose `halved` is there already."""
        segmenter = self.segmenter
        if self._size != frame.shape:
            self.reset()
        image, where = transform.to_network(half, segmenter.engine.size, _stretch())
        small = _small(image, where)
        now = glance(small)
        self.frames += 1
        if self._last is not None and is_cut(self._last, now):
            self.cuts += 1
            self.reset()
        self._size, self._last = frame.shape, now
        if self._rests(now):
            assert self._mask is not None
            self.skipped += 1
            self._held += 1
            return self._mask.copy()
        new = segmenter.kept(transform.from_network(self._network(image), where))
        shown = self._filter(new, np.rint(small).astype(np.uint8))
        same = self._looked is not None and is_still(self._looked, now)
        self._calm = self._calm + 1 if same else 0
        self._mask, self._alpha, self._looked, self._held = shown, None, now, 0
        return shown.copy()

    def _draw(self, frame: NDArray[np.uint8], half: NDArray[np.uint8], mask: Plane) -> Plane:
        """`alpha` of a frame whose `halved` is there already."""
        from .segmenter import PRESENT

        self.presence = self.segmenter.presence(mask)
        self.there = self.presence >= (VANISH if self.there else PRESENT)
        return refine_frame(frame, half, mask) if self.there else np.zeros(frame.shape[:2], np.float32)

    def _network(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._memory is None:
            return self.segmenter.engine(image)
        alpha, self._state = self._memory.step(image, self._state or self._memory.start())
        return alpha

    def _rests(self, now: Glance) -> bool:
        if not (self.idle and self._calm >= CALM and self._looked is not None and self._held < HOLD):
            return False
        return is_still(self._looked, now)


def _stretch() -> float:
    from .segmenter import STRETCH

    return STRETCH


def _small(image: NDArray[np.float32], where: transform.Place) -> NDArray[np.float32]:
    """(h, w, 3) in 0..255: the frame's part of the network's input."""
    rows, columns = slice(where.top, where.top + where.height), slice(where.left, where.left + where.width)
    return np.asarray(cv2.merge(list(image[0][:, rows, columns])) * np.float32(255), np.float32)
