"""Pictures to compare a network and its file on: real ones where there are any, else drawn here."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..transform import SQUASH, to_network

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Labelled:
    """A picture with its mask, small in memory."""

    pixels: NDArray[np.uint8]
    """(3, h, w) RGB at the network's size."""
    truth: NDArray[np.uint8]
    """(H, W) at the picture's own size, 255 is person."""

    def image(self) -> Picture:
        """(1, 3, h, w) in [0, 1]."""
        return self.pixels[None].astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class Pictures:
    """What a file is made and judged with; images are (1, 3, h, w) in [0, 1]."""

    source: str
    """What `images` are, in words."""
    images: list[Picture]
    """To compare file and network on."""
    calibration: list[Picture] = field(default_factory=list)
    """To find the ranges of an int8 file with: of the training split."""
    labelled: list[Labelled] = field(default_factory=list)
    """To judge an int8 file by: all of val."""


def gather(
    size: tuple[int, int], folder: Path | None = None, *, count: int = 8, quantise: bool = False
) -> Pictures:
    """`count` pictures of `folder`'s val, spread evenly over it; without a folder drawn ones.

    `quantise` adds what int8 needs: 32 pictures of train to calibrate on, all of val to judge by.
    Raises `ValueError` where `folder` holds no shards.
    """
    if folder is None:
        return Pictures(f"{count} drawn figures", figures(count, size), figures(16, size, seed=1))
    from ..data.shards import read

    val = [
        Labelled(_pixels(sample.image, size), sample.alpha)
        for sample in read(folder, "val")
        if sample.alpha is not None
    ]
    chosen = [val[i] for i in np.linspace(0, len(val) - 1, min(count, len(val))).round().astype(int)]
    source = f"{len(chosen)} of {len(val)} pictures of val"
    images = [picture.image() for picture in chosen]
    if not quantise:
        return Pictures(source, images)
    return Pictures(source, images, _training(folder, size, 32), val)


def _training(folder: Path, size: tuple[int, int], count: int) -> list[Picture]:
    """`count` pictures of train, spread evenly over its shards."""
    from ..data.shards import decode, read_parts, shards

    encoded = [(shard, *part) for shard in shards(folder, "train") for part in read_parts(shard)]
    chosen = np.linspace(0, len(encoded) - 1, min(count, len(encoded))).round().astype(int)
    return [to_network(decode(*encoded[i]).image, size, SQUASH)[0] for i in chosen]


def _pixels(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """As `to_network` makes it, still in bytes."""
    image, _ = to_network(frame, size, SQUASH)
    return np.ascontiguousarray((image[0] * 255).round().astype(np.uint8))


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
