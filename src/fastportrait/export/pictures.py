"""Pictures made here: to compare a network and its file on, or for a network to learn by heart."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


def figures(count: int, size: tuple[int, int], seed: int = 0) -> list[Picture]:
    """`count` pictures (1, 3, h, w) in [0, 1]: head and shoulders before soft blobs, with noise."""
    return [picture for picture, _ in portraits(count, size, seed)]


def portraits(count: int, size: tuple[int, int], seed: int = 0) -> list[tuple[Picture, Picture]]:
    """The same pictures, each with its alpha (1, 1, h, w) in [0, 1]."""
    height, width = size
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        coarse = random.integers(0, 256, (6, 6, 3), np.uint8)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        alpha = np.zeros((height, width), np.uint8)
        skin, shirt = (tuple(int(v) for v in random.integers(30, 226, 3)) for _ in range(2))
        x, y = int(width * random.uniform(0.3, 0.7)), int(height * random.uniform(0.3, 0.5))
        radius = int(min(size) * random.uniform(0.1, 0.2))
        for canvas, body, head in ((picture, shirt, skin), (alpha, (255,), (255,))):
            axes = (int(2.2 * radius), 3 * radius)
            cv2.ellipse(canvas, (x, y + 4 * radius), axes, 0, 0, 360, body, -1, cv2.LINE_AA)
            cv2.ellipse(canvas, (x, y), (radius, int(1.3 * radius)), 0, 0, 360, head, -1, cv2.LINE_AA)
        noisy = (picture + random.normal(0, 4, picture.shape)).clip(0, 255).transpose(2, 0, 1)
        image = np.ascontiguousarray(noisy[None] / 255, np.float32)
        made.append((image, np.asarray(alpha[None, None] / 255, np.float32)))
    return made
