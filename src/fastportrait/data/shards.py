"""Reading portraits with masks from WebDataset shards: plain tar files of KEY.jpg, KEY.png and KEY.json.

The layout is https://github.com/webdataset/webdataset's; files of one sample stand next to each other.
"""

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    key: str
    image: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    alpha: NDArray[np.uint8] | None
    """(H, W), 255 is person; None for a picture that is known to hold nobody or has no mask."""
    meta: dict[str, Any]
    """What KEY.json says: source, kind, mask, composite, terms, and for pseudo masks group and agreement."""


def data_folder() -> Path:
    """The folder of shards that `FASTPORTRAIT_DATA` names. Raises `ValueError` where it is not set."""
    if "FASTPORTRAIT_DATA" not in os.environ:
        raise ValueError(
            "no data: set FASTPORTRAIT_DATA to a folder of shards (train-000.tar, val-000.tar, ...)"
        )
    return Path(os.environ["FASTPORTRAIT_DATA"])


def shards(folder: Path, split: str) -> list[Path]:
    """The tar files of `split` ("train", "val", ...) in `folder`, in order; `ValueError` where none is."""
    found = sorted(folder.glob(f"{split}-[0-9]*.tar"))
    if not found:
        raise ValueError(f"{folder}: no shards of the split {split!r} (looked for {split}-000.tar, ...)")
    return found


def read(folder: Path, split: str) -> Iterator[Sample]:
    """Every sample of a split, in the order of the shards.

    Raises `ValueError` naming shard and key where a picture cannot be decoded or its mask has another size.
    """
    for shard in shards(folder, split):
        yield from read_shard(shard)


def read_shard(shard: Path) -> Iterator[Sample]:
    """The samples of one tar file; raises as `read` does."""
    for key, parts in read_parts(shard):
        yield decode(shard, key, parts)


def read_parts(shard: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Each key of one tar file with its files by their endings (jpg, png, json), undecoded."""
    parts: dict[str, bytes] = {}
    key = ""
    with tarfile.open(shard) as tar:
        for member in tar:
            if not member.isfile():
                continue
            stem, _, ending = member.name.rpartition(".")
            if stem != key:
                if parts:
                    yield key, parts
                key, parts = stem, {}
            file = tar.extractfile(member)
            assert file is not None
            parts[ending] = file.read()
    if parts:
        yield key, parts


def decode(shard: Path, key: str, parts: dict[str, bytes]) -> Sample:
    """The sample that these files are; raises as `read` does."""
    if "jpg" not in parts:
        raise ValueError(f"{shard}: {key} has no .jpg, only {', '.join(sorted(parts))}")
    image = cv2.imdecode(np.frombuffer(parts["jpg"], np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ValueError(f"{shard}: {key}.jpg cannot be decoded")
    alpha = None
    if "png" in parts:
        alpha = cv2.imdecode(np.frombuffer(parts["png"], np.uint8), cv2.IMREAD_GRAYSCALE)
        if alpha is None:
            raise ValueError(f"{shard}: {key}.png cannot be decoded")
        if alpha.shape != image.shape[:2]:
            raise ValueError(f"{shard}: {key}.png is {alpha.shape}, its picture is {image.shape[:2]}")
    meta = json.loads(parts.get("json", b"{}"))
    return Sample(
        key, np.asarray(image, np.uint8), None if alpha is None else np.asarray(alpha, np.uint8), meta
    )
