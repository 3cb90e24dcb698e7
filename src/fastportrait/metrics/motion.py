"""How steady a mask is over time, on frames whose exact alpha is known.

Sequences are (T, H, W) float32 in [0, 1], two frames at least. A mask that is wrong in the same way in every
frame is steady: what it is wrong by, the other metrics say.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Alphas = NDArray[np.float32]
Affine = NDArray[np.float64]
"""(2, 3): a point (x, y) of the still, in pixels, to where it lies in a frame."""


def dtssd(alphas: Alphas, truths: Alphas) -> float:
    """sqrt(mean((change of alpha - change of truth)^2)) of two frames, meant over the pairs; tables: x100.

    G. Erofeev et al., "Perceptually motivated benchmark for video matting", BMVC 2015, as RobustVideoMatting
    measures it: the root is taken pair by pair. An error that moves with the person counts as change.
    """
    errors = _errors(alphas, truths)
    return float(np.mean([np.sqrt(np.mean(np.square(b - a))) for a, b in pairwise(errors)]))


def flicker(alphas: Alphas, truths: Alphas, places: Sequence[Affine]) -> float:
    """mean |change of the error| from frame to frame where the person stands still; tables: x1000.

    `places`: where the still lies in each frame. The errors are brought back to the still along the known
    motion, so that one which moves with the person is none; pixels that left either frame do not count.
    """
    height, width = alphas.shape[1:]
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def still(plane: Alphas, place: Affine) -> Alphas:
        return np.asarray(cv2.warpAffine(plane, place, (width, height), flags=back), np.float32)

    everywhere = np.ones((height, width), np.float32)
    errors = [still(e, place) for e, place in zip(_errors(alphas, truths), places, strict=True)]
    seen = [still(everywhere, place) > 0.999 for place in places]
    changes = []
    for i in range(1, len(errors)):
        both = seen[i - 1] & seen[i]
        if not both.any():
            raise ValueError(f"frames {i - 1} and {i} have no pixel of the still in common: move it less")
        changes.append(np.abs(errors[i] - errors[i - 1])[both].mean())
    return float(np.mean(changes))


def _errors(alphas: Alphas, truths: Alphas) -> Alphas:
    if alphas.shape != truths.shape or alphas.ndim != 3 or len(alphas) < 2:
        raise ValueError(
            "a sequence is (T, H, W), T of 2 or more, in alpha and truth alike: "
            f"got {alphas.shape} and {truths.shape}"
        )
    return alphas - truths
