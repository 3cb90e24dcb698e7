"""A public set's download as WebDataset shards: all of it, or, where it is interrupted, nothing.

The shards are written in a hidden folder beside their place. Once all are there, a plan says under which
names they will stand, and only then are they moved; a run that finds a plan finishes it.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..media.images import save
from .sets.item import Item, Pair, Set

SHARD = 20_000_000
"""Bytes at which the next shard begins."""
AT_ONCE = 64
"""Items that are decoded side by side; more would only take more memory."""


@dataclass(frozen=True)
class Encoded:
    key: str
    split: str
    name: str
    parts: dict[str, bytes]
    """jpg, png, json."""


@dataclass
class Report:
    """What was written, and what was not."""

    written: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)
    shards: list[str] = field(default_factory=list)


def chosen(items: list[Item], splits: tuple[str, ...], limit: int | None) -> list[Item]:
    """The items of `splits` in a mixed order that is always the same; of each the first `limit`."""
    found = [item for split in splits for item in items if item.split == split]
    found.sort(key=lambda item: (item.split, _digest(item.name)))
    if limit is None:
        return found
    seen: Counter[str] = Counter()
    few = []
    for item in found:
        seen[item.split] += 1
        if seen[item.split] <= limit:
            few.append(item)
    return few


def encode(source: str, about: Set, short_side: int, item: Item) -> tuple[list[Encoded], str]:
    """The samples of one item, and what was wrong with it, or ""; a video's frames before that stay."""
    made = []
    try:
        for pair in item.read():
            made.append(_sample(source, about, short_side, item, pair))
    except (ValueError, OSError, KeyError, cv2.error, zlib.error) as error:
        return made, f"{type(error).__name__} {error}" if isinstance(error, KeyError) else str(error)
    return made, ""


def _sample(source: str, about: Set, short_side: int, item: Item, pair: Pair) -> Encoded:
    image, alpha = pair.image, pair.alpha
    height, width = alpha.shape
    scale = short_side / min(height, width)
    if scale < 1:  # never larger: that adds bytes and no detail
        size = (round(width * scale), round(height * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
    meta: dict[str, Any] = {
        "source": source,
        "kind": item.kind or about.kind,
        "mask": item.mask or about.mask,
        "composite": about.composite,
        "terms": about.terms,
        "name": pair.name,
    }
    if item.group:
        meta["group"] = item.group
    return Encoded(f"{source}-{_digest(pair.name)[:10]}", item.split, pair.name, files(image, alpha, meta))


def files(image: np.ndarray, alpha: np.ndarray | None, meta: dict[str, Any]) -> dict[str, bytes]:
    """A sample's files by their endings: (H, W, 3) RGB, (H, W) or None."""
    done, jpg = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
    assert done
    parts = {"jpg": jpg.tobytes(), "json": json.dumps(meta).encode()}
    if alpha is not None:
        done, png = cv2.imencode(".png", alpha, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        assert done
        parts["png"] = png.tobytes()
    return parts


def bring(
    items: Iterator[Item], source: str, about: Set, out: Path, *, short_side: int = 288, shard: int = SHARD
) -> Report:
    """Writes all `items` into `out`, behind the shards that it has; what cannot be read is in the report.

    Raises `ValueError` where `out` has `source` already, nothing could be read, or two names share a key.
    """
    out.mkdir(parents=True, exist_ok=True)
    work = out / f".import-{source}"
    record = out / f"{source}.import.json"
    if finish(out, source):
        raise ValueError(f"{out}: an interrupted import of {source} is finished now; it is whole")
    if record.exists():
        raise ValueError(
            f"{out} has {source} already: choose another --out, or remove {record.name} and its shards"
        )
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    report = Report()
    writer = Shards(work, shard)
    keys: dict[str, str] = {}
    try:
        for made in _encoded(items, partial(encode, source, about, short_side), report):
            if made.key in keys:
                raise ValueError(f"{made.name} and {keys[made.key]} have the same key {made.key}")
            keys[made.key] = made.name
            writer.add(made)
            report.written[made.split] += 1
        writer.close()
        if not report.written:
            raise ValueError(f"{source}: no picture could be read; the first: {first(report.left_out)}")
    except BaseException:
        writer.close()
        shutil.rmtree(work, ignore_errors=True)
        raise
    names = places(out, writer.written)
    told = {
        "source": source,
        "title": about.title,
        "link": about.link,
        "terms": about.terms,
        "short_side": short_side,
        "written": dict(report.written),
        "left_out": report.left_out,
        "shards": list(names.values()),
    }
    save(work / "plan.json", json.dumps({"names": names, "record": told}, indent=1).encode())
    finish(out, source)
    report.shards = list(names.values())
    return report


def first(left_out: dict[str, str]) -> str:
    return next((f"{name}: {why}" for name, why in left_out.items()), "there is none")


def finish(out: Path, source: str) -> bool:
    """Moves the shards of a finished import to their places; False where there is none to move."""
    work = out / f".import-{source}"
    if not (work / "plan.json").exists():
        return False
    plan = json.loads((work / "plan.json").read_text())
    for before, after in plan["names"].items():
        if (work / before).exists():
            os.replace(work / before, out / after)
    save(out / f"{source}.import.json", json.dumps(plan["record"], indent=1).encode())
    shutil.rmtree(work)
    return True


def places(out: Path, written: dict[str, list[str]]) -> dict[str, str]:
    """The name of each new shard in `out`, by its name in the work folder: numbers go on."""
    names = {}
    for split, shards in written.items():
        there = [int(p.stem.rpartition("-")[2]) for p in out.glob(f"{split}-[0-9]*.tar")]
        for number, shard in enumerate(shards, start=max(there, default=-1) + 1):
            names[shard] = f"{split}-{number:03d}.tar"
    return names


class Shards:
    """Tar files of about `size` bytes for each split; the same samples give the same bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.written: dict[str, list[str]] = {}
        self.open: dict[str, tarfile.TarFile] = {}

    def add(self, sample: Encoded) -> None:
        tar = self.open.get(sample.split)
        if tar is None or tar.offset >= self.size:
            if tar is not None:
                tar.close()
            shards = self.written.setdefault(sample.split, [])
            shards.append(f"{sample.split}-{len(shards):03d}.tar")
            tar = self.open[sample.split] = tarfile.open(self.folder / shards[-1], "w")  # noqa: SIM115
        for ending, data in sample.parts.items():
            entry = tarfile.TarInfo(f"{sample.key}.{ending}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

    def close(self) -> None:
        for tar in self.open.values():
            tar.close()
        self.open.clear()


def _encoded(items: Iterator[Item], encode_one: Any, report: Report) -> Iterator[Encoded]:
    with ThreadPoolExecutor() as pool:
        block: list[Item] = []
        for item in items:
            block.append(item)
            if len(block) == AT_ONCE:
                yield from _block(pool, block, encode_one, report)
                block = []
        yield from _block(pool, block, encode_one, report)


def _block(pool: ThreadPoolExecutor, block: list[Item], encode_one: Any, report: Report) -> Iterator[Encoded]:
    for item, (made, wrong) in zip(block, pool.map(encode_one, block), strict=True):
        if wrong:
            report.left_out[item.name] = wrong
        yield from made


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
