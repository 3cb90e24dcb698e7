"""The training pictures in memory, and which of them a step sees.

Every picture lies as uint8 on a square canvas, so that a batch is one tensor and a GPU can hold them all.
What a step draws is a function of (seed, step) alone: a resumed run sees what the uninterrupted one would
have seen.
"""

import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from .shards import Sample, read_parts, read_shard, shards

CANVAS = 384
MASKS = ("alpha", "refined", "binary", "polygon", "pseudo")


@dataclass(frozen=True)
class Pictures:
    """`n` pictures on canvases of side S; each fills the upper left (height, width) of its canvas."""

    image: Tensor
    """(n, 3, S, S) uint8 RGB."""
    alpha: Tensor
    """(n, 1, S, S) uint8."""
    extent: Tensor
    """(n, 2) float, (height, width) in canvas pixels."""
    mask: Tensor
    """(n,) index into `MASKS`: how the mask was made, and so how far to trust it."""
    composite: Tensor
    """(n,) bool: a plain studio background, to be replaced."""
    trust: Tensor
    """(n,) float in [0, 1]: weight in the loss."""
    draw: Tensor
    """(n,) float: relative chance to be drawn."""
    sources: tuple[str, ...]
    """Where they come from, by name."""

    def to(self, device: torch.device) -> "Pictures":
        tensors = {name: value.to(device) for name, value in vars(self).items() if name != "sources"}
        return Pictures(**tensors, sources=self.sources)

    def pick(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) indices, drawn with replacement by `draw`."""
        draw = self.draw.to(generator.device)  # PyTorch wants both on one device
        return torch.multinomial(draw, count, replacement=True, generator=generator)


def load_portraits(folder: Path, sources: dict[str, float]) -> Pictures:
    """The split `train`; each source drawn as often as `sources` says, a source's groups by the root of their
    size. Without `sources` each is drawn by the root of its own size.

    Raises `ValueError` where the shards hold a source that `sources` does not name, or the other way round.
    """
    metas = _metas(folder, "train")
    found = Counter(meta["source"] for meta in metas)
    sources = sources or {source: count**0.5 for source, count in found.items()}
    if found.keys() != sources.keys():
        differ = ", ".join(sorted(found.keys() ^ sources.keys()))
        raise ValueError(
            f"{folder}: the sources of the shards are {', '.join(sorted(found))}; "
            f"`sources` differs in {differ}"
        )
    groups = Counter((meta["source"], meta.get("group")) for meta in metas)
    shares = np.array([groups[meta["source"], meta.get("group")] ** -0.5 for meta in metas])
    for source, weight in sources.items():
        of_source = np.array([meta["source"] == source for meta in metas])
        shares[of_source] *= weight / shares[of_source].sum()
    return _stack(folder, "train", metas, shares)


def load_scenes(folder: Path) -> Pictures:
    """The split `background`: pictures without people, all drawn alike."""
    metas = _metas(folder, "background")
    return _stack(folder, "background", metas, np.ones(len(metas)))


def _metas(folder: Path, split: str) -> list[dict[str, Any]]:
    """What each sample of a split says of itself; no picture is decoded."""
    every = (parts for shard in shards(folder, split) for _, parts in read_parts(shard))
    return [json.loads(parts.get("json", b"{}")) for parts in every]


def _placed(samples: Iterable[Sample]) -> Iterable[Sample]:
    """Each sample shrunk to fit the canvas."""
    for s in samples:
        height, width = s.image.shape[:2]
        scale = min(1.0, CANVAS / max(height, width))
        if scale == 1.0:
            yield s
            continue
        size = (round(width * scale), round(height * scale))
        image = cv2.resize(s.image, size, interpolation=cv2.INTER_AREA)
        alpha = None if s.alpha is None else cv2.resize(s.alpha, size, interpolation=cv2.INTER_AREA)
        yield Sample(
            s.key, np.asarray(image, np.uint8), None if alpha is None else np.asarray(alpha, np.uint8), s.meta
        )


def _stack(folder: Path, split: str, metas: list[dict[str, Any]], draw: np.ndarray) -> Pictures:
    """A split on canvases. The shards are decoded side by side, each picture straight into its place: memory
    holds none twice."""
    n = len(metas)
    extent = torch.zeros(n, 2)
    image = torch.zeros(n, 3, CANVAS, CANVAS, dtype=torch.uint8)
    alpha = torch.zeros(n, 1, CANVAS, CANVAS, dtype=torch.uint8)

    def place(shard: Path, first: int) -> None:
        for i, s in enumerate(_placed(read_shard(shard)), first):
            height, width = s.image.shape[:2]
            extent[i] = torch.tensor([height, width])
            image[i, :, :height, :width] = torch.from_numpy(np.ascontiguousarray(s.image.transpose(2, 0, 1)))
            if s.alpha is not None:
                alpha[i, 0, :height, :width] = torch.from_numpy(s.alpha)

    tars = shards(folder, split)
    counts = [sum(1 for _ in read_parts(tar)) for tar in tars]
    firsts = [sum(counts[:i]) for i in range(len(tars))]
    with ThreadPoolExecutor() as pool:
        list(pool.map(place, tars, firsts))
    return Pictures(
        image=image,
        alpha=alpha,
        extent=extent,
        mask=torch.tensor([MASKS.index(meta["mask"]) if meta.get("mask") else 0 for meta in metas]),
        composite=torch.tensor([bool(meta.get("composite")) for meta in metas]),
        trust=torch.tensor([_trust(meta) for meta in metas]),
        draw=torch.from_numpy(draw).float(),
        sources=tuple(sorted({str(meta.get("source", "")) for meta in metas})),
    )


def _trust(meta: dict[str, Any]) -> float:
    """A pseudo mask counts by its two teachers' agreement: 0.93, the least that was kept, is worth a half."""
    if meta.get("mask") != "pseudo":
        return 1.0
    return float(np.clip(0.5 + (meta["agreement"] - 0.93) / 0.07 * 0.5, 0.25, 1.0))
