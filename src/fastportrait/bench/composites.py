"""Photos of 2 to 12 megapixels with known alpha and foreground colours, made from studio portraits.

A studio portrait of the training set is unmixed from its plain background; it and its alpha are enlarged
(cubic), the alpha is made steeper by half of the enlargement, so that an edge is a few pixels wide as a lens
draws it, and both are composited on an enlarged scene. Noise of 2.5 of 255 a pixel and a JPEG at quality 92
finish it. What is left unlike a photo: the scene is soft, and hair ends in blobs instead of strands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.shards import Sample, read
from ..metrics.masks import as_alpha
from ..transform import resize

Plane = NDArray[np.float32]
SOURCES = ("nba_rgba", "sports_headshots")


@dataclass(frozen=True)
class Composite:
    key: str
    image: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    alpha: Plane
    """(H, W) in [0, 1], exact."""
    front: Plane
    """(H, W, 3) in 0..255: the person's colours, also where hardly anything of them is seen."""
    other: NDArray[np.uint8]
    """Another scene, (H, W, 3)."""


def composites(folder: Path, megapixels: tuple[float, ...], each: int) -> Iterator[Composite]:
    """`each` pictures of every size, of people and scenes in the order of their shards, `SOURCES` in turn."""
    people = {source: _people(folder, source) for source in SOURCES}
    scenes = [sample.image for sample in islice(read(folder, "background"), each * len(megapixels) + 1)]
    noise = np.random.default_rng(0).standard_normal((512, 512, 3)).astype(np.float32) * np.float32(2.5)
    for size in megapixels:
        for turn in range(each):
            sample = next(people[SOURCES[turn % len(SOURCES)]])
            assert sample.alpha is not None
            alpha = as_alpha(sample.alpha)
            factor = (size * 1e6 / alpha.size) ** 0.5
            height, width = (round(n * factor) for n in alpha.shape)
            front = _enlarged(_unmixed(sample.image, alpha), height, width, 255)
            steep = (_enlarged(alpha, height, width, 1) - 0.5) * max(1, factor / 2) + 0.5
            alpha = as_alpha(np.rint(np.clip(steep, 0, 1) * 255).astype(np.uint8))
            scene, other = (_covering(scenes[0], height, width), _covering(scenes[1], height, width))
            scenes.pop(0)
            grain = np.tile(noise, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
            mixed = alpha[..., None] * front + (1 - alpha[..., None]) * scene + grain
            yield Composite(sample.key, _photographed(mixed), alpha, front, other)


def _people(folder: Path, source: str) -> Iterator[Sample]:
    for sample in read(folder, "train"):
        if sample.meta["source"] == source and sample.meta["mask"] == "alpha":
            yield sample


def _unmixed(image: NDArray[np.uint8], alpha: Plane) -> Plane:
    """The person's colours, (H, W, 3): the plain background taken off, near ones where alpha is low."""
    share = alpha[..., None]
    plain = np.median(image[alpha == 0], axis=0) if (alpha == 0).any() else np.zeros(3)
    known = np.clip((image - (1 - share) * plain) / np.maximum(share, 0.05), 0, 255).astype(np.float32)
    weight = np.clip((alpha - 0.5) * 3, 0, 1)
    colours, found = known * weight[..., None], weight.copy()
    for side in (3, 7, 15, 41, 101):
        near = cv2.blur(found, (side, side))
        fill = np.where((found < 0.5) & (near > 1e-3), 1 - found, 0).astype(np.float32)
        colours += fill[..., None] * cv2.blur(colours, (side, side)) / np.maximum(near, 1e-6)[..., None]
        found += fill
    return np.asarray(colours / np.maximum(found, 1e-6)[..., None], np.float32)


def _enlarged(plane: Plane, height: int, width: int, most: float) -> Plane:
    return np.clip(cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC), 0, most)


def _covering(scene: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    scale = max(height / scene.shape[0], width / scene.shape[1])
    size = (max(height, round(scene.shape[0] * scale)), max(width, round(scene.shape[1] * scale)))
    return np.asarray(resize(scene, size)[:height, :width], np.uint8)


def _photographed(mixed: Plane) -> NDArray[np.uint8]:
    pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert done
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB), np.uint8)
