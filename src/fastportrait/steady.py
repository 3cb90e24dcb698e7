"""Masks over time, for networks without memory: what the picture does not explain is not shown.

A filter takes the network's mask of each frame with the frame itself, both at the network's resolution, and
gives the mask to show. The chosen one, `Flow`, carries the last mask along the picture's motion and mixes it
with the new one only where the picture there is what it was; where something new comes into sight, the new
mask stands as it is, so that nothing trails. The others are the ones it was measured against: docs/steady.md.
"""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(h, w) in [0, 1]."""
Small = NDArray[np.uint8]
"""(h, w, 3) RGB: the frame at the mask's size."""
Places = tuple[Plane, Plane]
"""x and y, each (h, w): where every pixel was in the frame before, in pixels."""


class Filter(Protocol):
    def __call__(self, mask: Plane, small: Small) -> Plane:
        """The mask to show for the next frame; the first after a `reset` comes back as it is."""
        ...

    def reset(self) -> None:
        """Forget: the next frame has nothing to do with the last."""
        ...


class Raw:
    """No filter."""

    def __call__(self, mask: Plane, small: Small) -> Plane:
        return mask

    def reset(self) -> None:
        pass


class Exponential:
    """keep * (what was shown) + (1 - keep) * (what is new), in every pixel alike."""

    def __init__(self, keep: float = 0.6) -> None:
        self.keep = keep
        self._shown: Plane | None = None

    def __call__(self, mask: Plane, small: Small) -> Plane:
        shown = mask if self._shown is None else mask + np.float32(self.keep) * (self._shown - mask)
        self._shown = shown
        return shown

    def reset(self) -> None:
        self._shown = None


class OneEuro:
    """G. Casiez et al., "1 € Filter", CHI 2012, for every pixel by itself: what changes fast is kept less.

    `slow`: the cut-off of a value at rest; `beta`: by how much a change of 1 per frame raises it; both in
    units of the frame rate, so that the filter needs no clock.
    """

    def __init__(self, slow: float = 0.05, beta: float = 2.0, settle: float = 0.2) -> None:
        self.slow, self.beta, self.settle = slow, beta, settle
        self._shown: Plane | None = None
        self._last: Plane | None = None
        self._speed: Plane | None = None

    def __call__(self, mask: Plane, small: Small) -> Plane:
        if self._shown is None or self._last is None or self._speed is None:
            self._shown, self._last, self._speed = mask, mask, np.zeros_like(mask)
            return mask
        self._speed = self._speed + _share(self.settle) * (mask - self._last - self._speed)
        take = _share(self.slow + self.beta * np.abs(self._speed))
        self._shown, self._last = np.asarray(self._shown + take * (mask - self._shown), np.float32), mask
        return self._shown

    def reset(self) -> None:
        self._shown = self._last = self._speed = None


def _share(cutoff: NDArray[np.floating[Any]] | float) -> Plane:
    """Of the new value, at a cut-off in units of the frame rate."""
    turn = 2 * np.pi * cutoff
    return np.asarray(turn / (turn + 1), np.float32)


class Still:
    """Exponential where the picture stands still, the new mask where it changes; no motion is followed."""

    def __init__(self, keep: float = 0.8, same: float = 6.0) -> None:
        self.keep, self.same = keep, same
        self._shown: Plane | None = None
        self._small: Small | None = None

    def __call__(self, mask: Plane, small: Small) -> Plane:
        if self._shown is None or self._small is None:
            shown = mask
        else:
            shown = mask + np.float32(self.keep) * _alike(small, self._small, self.same) * (
                self._shown - mask
            )
        self._shown, self._small = shown, small
        return shown

    def reset(self) -> None:
        self._shown = self._small = None


class Flow:
    """The last mask follows the picture (dense inverse search; T. Kroeger et al., ECCV 2016) and is kept in
    so far as the picture there is what it was.

    `keep`: the most that is kept; `same`: the change of a colour, of 255, at which `keep` has fallen to 0.37.
    """

    def __init__(self, keep: float = 0.8, same: float = 6.0) -> None:
        self.keep, self.same = keep, same
        self._shown: Plane | None = None
        self._small: Small | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)  # half of the mask's size; a quarter, the preset's, blurs edges

    def __call__(self, mask: Plane, small: Small) -> Plane:
        if self._shown is None or self._small is None:
            shown = mask
        else:
            motion = np.zeros((*mask.shape, 2), np.float32)
            self._flow.calc(_grey(small), _grey(self._small), motion)
            where = _places(motion)
            was = _look(self._shown, where, cv2.INTER_CUBIC).clip(
                0, 1
            )  # linear, it would blur frame by frame
            alike = _alike(small, _look(self._small, where, cv2.INTER_LINEAR), self.same)
            shown = np.asarray(mask + np.float32(self.keep) * alike * (was - mask), np.float32)
        self._shown, self._small = shown, small
        return shown

    def reset(self) -> None:
        self._shown = self._small = None


def _places(motion: NDArray[np.float32]) -> Places:
    height, width = motion.shape[:2]
    x = motion[..., 0] + np.arange(width)
    y = motion[..., 1] + np.arange(height)[:, None]
    return x.astype(np.float32), y.astype(np.float32)


def _grey(small: Small) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _look(pixels: NDArray[Any], where: Places, between: int) -> NDArray[Any]:
    """`pixels` at the places `where`."""
    return cv2.remap(pixels, *where, between, borderMode=cv2.BORDER_REPLICATE)


def _alike(now: Small, before: Small, same: float) -> Plane:
    """(h, w): 1 where no colour changed, falling to 0."""
    change = cv2.blur(cv2.absdiff(now, before), (3, 3)).max(axis=2).astype(np.float32)
    return np.exp(-np.square(change * np.float32(1 / same)))
