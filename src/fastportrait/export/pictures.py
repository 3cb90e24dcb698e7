"""Pictures to compare a network and its file on: made here, so that an export needs no data."""

import cv2
import numpy as np
from numpy.typing import NDArray


def figures(count: int, size: tuple[int, int], seed: int = 0) -> list[NDArray[np.float32]]:
    """`count` pictures (1, 3, h, w) in [0, 1]: head and shoulders before soft blobs, with noise."""
    height, width = size
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        coarse = random.integers(0, 256, (6, 6, 3), np.uint8)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        skin, shirt = (tuple(int(v) for v in random.integers(30, 226, 3)) for _ in range(2))
        x, y = int(width * random.uniform(0.3, 0.7)), int(height * random.uniform(0.3, 0.5))
        radius = int(min(size) * random.uniform(0.1, 0.2))
        cv2.ellipse(
            picture, (x, y + 4 * radius), (int(2.2 * radius), 3 * radius), 0, 0, 360, shirt, -1, cv2.LINE_AA
        )
        cv2.ellipse(picture, (x, y), (radius, int(1.3 * radius)), 0, 0, 360, skin, -1, cv2.LINE_AA)
        noisy = picture + random.normal(0, 4, picture.shape)
        made.append(np.ascontiguousarray(noisy.clip(0, 255).transpose(2, 0, 1)[None] / 255, np.float32))
    return made
