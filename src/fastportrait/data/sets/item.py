"""What an adapter says of a public data set, and what it finds in its download."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ...media import images

Pixels = NDArray[np.uint8]


class Pair(NamedTuple):
    """A picture (H, W, 3) RGB and its alpha (H, W), 255 is person."""

    name: str
    """Within the set: where the picture lies, with "/"; a video's frame has its number after "#"."""
    image: Pixels
    alpha: Pixels


class Item(NamedTuple):
    """A picture, or a video, of which nothing but the place is known before it is read."""

    name: str
    split: str
    read: Callable[[], Iterator[Pair]]
    """Raises `ValueError` or `OSError` where a file is missing, damaged or does not fit the other."""
    mask: str = ""
    """One of the kinds of docs/train.md, where it differs from the set's."""
    kind: str = ""
    """Where it differs from the set's."""
    group: str = ""
    """What this picture shares a person or a video with; empty where that is not known."""


@dataclass(frozen=True)
class Set:
    title: str
    link: str
    """Where the download is described."""
    terms: str
    """What the pictures may be used for; goes into every sample."""
    layout: str
    """The files and folders that are expected below the folder of the download."""
    split: str
    """How pictures come to train, val and test."""
    mask: str
    kind: str
    find: Callable[[Path], list[Item]]
    composite: bool = False
    """A plain studio background, to be replaced."""
    expected: int | None = None
    """Pictures (videos) in the published set, where a public source says so."""
    source: str = ""
    """Who says `expected`."""


def share_of(name: str) -> float:
    """A number in [0, 1) that is `name`'s for ever: who is below a share is held out."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def held_out(name: str, share: float) -> str:
    """ "val" for about `share` of all names, else "train"; a name stays where it is when others are added."""
    return "val" if share_of(name) < share else "train"


def needed(folder: Path, layout: str, *names: str) -> None:
    """Raises `ValueError` naming what is not in `folder` and what was expected there."""
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise ValueError(f"{folder}: no {', '.join(missing)}; expected below it: {layout}")


def grey(path: Path) -> Pixels:
    """(H, W), 0 to 255."""
    return _decoded(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)


def indices(path: Path) -> Pixels:
    """(H, W): the numbers of the classes, also where the file shows them by a palette; else as `grey`."""
    from PIL import Image  # OpenCV gives a palette's colours, never its indices

    with Image.open(path) as file:
        if file.mode == "P":
            return np.asarray(file, np.uint8)
    return grey(path)


def unchanged(path: Path) -> Pixels:
    """(H, W) or (H, W, channels), BGR(A) order."""
    return _decoded(path, cv2.IMREAD_UNCHANGED)


def _decoded(path: Path, flags: int) -> Pixels:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(data, flags) if data.size else None
    if pixels is None:
        raise ValueError(f"{path.name} cannot be decoded")
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    return np.asarray(pixels, np.uint8)


def hard(mask: Pixels, name: str) -> Pixels:
    """A mask of 0 and 1, or of 0 and 255, as 0 and 255. `ValueError` for one that is neither."""
    most = int(mask.max())
    if 1 < most < 128:
        raise ValueError(f"{name}: a mask whose highest value is {most}; 1 or 255 would be a person")
    return np.where(mask >= (1 if most <= 1 else 128), 255, 0).astype(np.uint8)


def frame_like(path: Path, alpha: Pixels) -> Pixels:
    """The picture as a person sees it or, where only that fits the mask, without its EXIF rotation."""
    image = images.read(path).frame
    if image.shape[:2] != alpha.shape:
        plain = _decoded(path, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
        if plain.shape[:2] != alpha.shape:
            sizes = [f"{size[1]} x {size[0]}" for size in (image.shape, alpha.shape)]
            raise ValueError(f"{path.name} is {sizes[0]}, its mask {sizes[1]}")
        return plain
    return image


def still(name: str, image: Path, alpha: Callable[[], Pixels]) -> Callable[[], Iterator[Pair]]:
    """`Item.read` of one picture whose alpha `alpha()` reads or draws."""

    def read() -> Iterator[Pair]:
        mask = alpha()
        yield Pair(name, frame_like(image, mask), mask)

    return read
