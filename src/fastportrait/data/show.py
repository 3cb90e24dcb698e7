"""A contact sheet: pictures of a split, each with what its mask says beside it."""

import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .shards import Sample, decode, read_parts, shards

TILE, LABEL, ACROSS = 160, 30, 4
Picture = NDArray[np.uint8]


def sheet(folder: Path, split: str, *, count: int = 24, seed: int = 0, source: str | None = None) -> Picture:
    """(H, W, 3) RGB: `count` samples, drawn by `seed` from every source in turn, four across.

    Raises `ValueError` where the split has no pictures, or none of `source`.
    """
    by_source: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for tar in shards(folder, split):
        for key, parts in read_parts(tar):
            by_source[_source(parts)].append((tar, key))
    if source is not None:
        if source not in by_source:
            raise ValueError(
                f"{folder}: no source {source!r} in {split}; it has {', '.join(sorted(by_source))}"
            )
        by_source = {source: by_source[source]}
    random = np.random.default_rng(seed)
    mixed = [
        [by_source[name][i] for i in random.permutation(len(by_source[name]))] for name in sorted(by_source)
    ]
    turns = [
        members[turn] for turn in range(max(map(len, mixed))) for members in mixed if turn < len(members)
    ][:count]
    wanted = set(turns)
    tiles = {}
    for tar in dict.fromkeys(tar for tar, _ in turns):
        for key, parts in read_parts(tar):
            if (tar, key) in wanted:
                tiles[tar, key] = tile(decode(tar, key, parts))
    blank = np.full_like(next(iter(tiles.values())), 255)
    placed = [tiles[place] for place in turns]
    placed += [blank] * (-len(placed) % min(ACROSS, len(placed)))
    rows = [
        np.concatenate(placed[i : i + ACROSS], axis=1)
        for i in range(0, len(placed), min(ACROSS, len(placed)))
    ]
    return np.concatenate(rows, axis=0)


def _source(parts: dict[str, bytes]) -> str:
    return str(json.loads(parts.get("json", b"{}")).get("source", "?"))


def tile(sample: Sample) -> Picture:
    """(TILE + LABEL, 2 TILE + 8, 3): the picture, the mask over it, and what it is called."""
    canvas = np.full((TILE + LABEL, 2 * TILE + 8, 3), 255, np.uint8)
    height, width = sample.image.shape[:2]
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA)
    canvas[: size[1], : size[0]] = image
    if sample.alpha is not None:
        alpha = cv2.resize(sample.alpha, size, interpolation=cv2.INTER_AREA)
        canvas[: size[1], TILE : TILE + size[0]] = overlay(
            np.asarray(image, np.uint8), np.asarray(alpha, np.uint8)
        )
    about = " ".join(str(sample.meta[name]) for name in ("source", "kind", "mask") if sample.meta.get(name))
    for line, words in enumerate((sample.key, about)):
        place = (2, TILE + 11 + 13 * line)
        cv2.putText(canvas, words[:52], place, cv2.FONT_HERSHEY_SIMPLEX, 0.33, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def overlay(image: Picture, alpha: Picture) -> Picture:
    """(H, W, 3): the person in colour, the rest in pale grey, and a line where alpha passes a half."""
    share = alpha[:, :, None] / 255
    pale = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None] * 0.35 + 150.0
    mixed = np.asarray(image * share + pale * (1 - share) + 0.5, np.uint8)
    outlines, _ = cv2.findContours((alpha > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mixed, outlines, -1, (230, 0, 120), 1)
    return mixed
