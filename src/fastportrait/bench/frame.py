"""One camera frame of 1280 x 720 with a figure in it, drawn: the same for everybody."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.made import figure

HEIGHT, WIDTH = 720, 1280


def drawn(side: int, seed: int = 0) -> NDArray[np.uint8]:
    """(side, side, 3) RGB."""
    return figure(side, np.random.default_rng(seed))[0]


@cache
def camera_frame(seed: int = 0) -> NDArray[np.uint8]:
    """(720, 1280, 3) RGB, the same array at every call: not to be written to."""
    side = (WIDTH - HEIGHT) // 2
    frame = np.asarray(
        cv2.copyMakeBorder(drawn(HEIGHT, seed), 0, 0, side, side, cv2.BORDER_REFLECT), np.uint8
    )
    frame.flags.writeable = False
    return frame
