"""The parity gate: a file is kept only if, in its own runtime, it gives the network's masks.

float32 and float16 files are held to PyTorch's alpha itself; an int8 file to what its masks are worth on
labelled pictures. All are held to their place: no part of a pixel may be lost on the way.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..metrics import masks
from ..nets.network import Network
from .departure import departs
from .pictures import Labelled, Picture, Pictures

Run = Callable[[Picture], Picture]


class NotTheNetwork(ValueError):
    """A file that gives other masks than its network."""

    def __init__(self, wrong: str, place: str, parity: "Parity") -> None:
        super().__init__(f"the file is not the network: {wrong}; {place}; no file written")
        self.parity, self.place = parity, place


class Tolerance(NamedTuple):
    max_alpha: float
    """The largest difference of an alpha that passes."""
    iou: float
    """The least IoU between the two masks of a picture."""
    layer: float
    """How far a layer's output may be off, relative to its largest value, before it is called departed."""


TOLERANCE = {
    "fp32": Tolerance(1e-4, 0.999, 1e-3),
    "fp16": Tolerance(2e-2, 0.995, 5e-2),
    "int8": Tolerance(1.0, 0.0, 0.3),
}
OWN = 10
"""How many times its own rounding a float32 file may be off, where a network's is above the tolerance."""
SHIFT = 0.05
"""Pixels of the network's output by which the masks may be displaced."""
LOSS = {"iou": 0.005, "boundary_iou": 0.015}
"""What an int8 file may lose on labelled pictures."""


@dataclass(frozen=True)
class Parity:
    """How far the file in its runtime is from the network in PyTorch, over the pictures compared."""

    source: str
    """What the pictures were: "8 pictures of val"."""
    pictures: int
    max_alpha: float
    """Largest difference of an alpha, in [0, 1]."""
    mean_alpha: float
    iou: float
    """Least IoU of the two masks of a picture."""
    boundary_iou: float
    """Least boundary IoU of the two masks of a picture."""
    shift: float
    """Displacement of the file's alpha against the network's, in pixels of it; 0 where there is no edge."""
    worst: int
    """The picture with the largest difference."""
    loss: dict[str, float]
    """int8: what IoU and boundary IoU it loses on labelled pictures, as shares; else empty."""
    own: dict[str, float] = field(default_factory=dict)
    """How far PyTorch's float32 is from its float64, where that had to be asked."""


def passed(
    form: Any,
    path: Path,
    run: Run,
    net: Network,
    precision: str,
    pictures: Pictures,
    loss: dict[str, float] | None = None,
) -> Parity:
    """What `path` measures, if that passes. Raises `NotTheNetwork` with the reason and the layer if not.

    `loss`: that of an int8 file where it has been measured already.
    """
    expected = reference(net, pictures.images)
    if precision == "int8" and loss is None:
        loss = accuracy_loss(run, net, pictures.labelled)
    parity = compare(run, expected, pictures.images, pictures.source, loss or {})
    if precision == "fp32" and complaint(parity, precision):
        parity = replace(parity, own=own_rounding(net, expected, pictures.images))
    wrong = complaint(parity, precision)
    if wrong:
        worst = pictures.images[parity.worst]
        place = departs(form, path, net, worst, TOLERANCE[precision].layer)
        raise NotTheNetwork(wrong, place, parity)
    return parity


def own_rounding(net: Network, expected: list[Picture], images: list[Picture]) -> dict[str, float]:
    """How far PyTorch in float32 is itself from float64, largest and mean alpha.

    Max-unpooling jumps: where two values of a window are equal to the last bits, rounding decides where the
    maximum lay. Nothing can be nearer to such a network than it is to itself.
    """
    exact = deepcopy(net).double()
    with torch.no_grad():
        alphas = [exact(torch.from_numpy(image).double()).sigmoid().numpy() for image in images]
    differences = [np.abs(one - other) for one, other in zip(alphas, expected, strict=True)]
    return {
        "max_alpha": float(max(difference.max() for difference in differences)),
        "mean_alpha": float(np.mean([difference.mean() for difference in differences])),
    }


def reference(net: Network, images: list[Picture]) -> list[Picture]:
    """PyTorch's alphas, (1, 1, h, w) each."""
    with torch.no_grad():
        return [net(torch.from_numpy(image)).sigmoid().numpy() for image in images]


def compare(
    run: Run,
    expected: list[Picture],
    images: list[Picture],
    source: str = "pictures",
    loss: dict[str, float] | None = None,
) -> Parity:
    """`run` on `images`, each (1, 3, h, w) in [0, 1], beside what is expected of each."""
    largest: list[float] = []
    means, ious, boundaries, pairs = [], [], [], []
    for image, ours in zip(images, expected, strict=True):
        theirs = np.asarray(run(image), np.float32)
        if theirs.shape != ours.shape:
            raise ValueError(f"the file gives {theirs.shape}, the network {ours.shape}")
        difference = np.abs(theirs - ours)
        largest.append(float(np.nan_to_num(difference, nan=np.inf).max()))
        means.append(float(difference.mean()))
        one, other = theirs[0, 0] > 0.5, ours[0, 0] > 0.5
        ious.append(masks.iou(one, other))
        boundaries.append(masks.boundary_iou(one, other))
        pairs.append((theirs[0, 0], ours[0, 0]))
    return Parity(
        source=source,
        pictures=len(images),
        max_alpha=max(largest),
        mean_alpha=float(np.mean(means)),
        iou=min(ious),
        boundary_iou=min(boundaries),
        shift=shift(pairs),
        worst=int(np.argmax(largest)),
        loss=loss or {},
    )


def shift(pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> float:
    """By how many pixels the first of each pair lies off the second, by least squares over all of them.

    theirs(p) = ours(p - d) is, to first order, ours - d . gradient; the mean of both gradients makes it
    second order. Where there are no edges there is nothing to be displaced: 0.
    """
    normal, right, edges = np.zeros((2, 2)), np.zeros(2), 0.0
    for theirs, ours in pairs:
        mean = (theirs.astype(np.float64) + ours) / 2
        gradient = np.stack([np.gradient(mean, axis=axis).ravel() for axis in (0, 1)])
        normal += gradient @ gradient.T
        right += gradient @ (ours.astype(np.float64) - theirs).ravel()
        edges += float(np.abs(gradient).sum()) / sum(ours.shape)
    if not np.isfinite(right).all():
        return float("inf")
    if edges < len(pairs) * 0.1 or np.linalg.cond(normal) > 1e4:
        return 0.0
    return float(np.linalg.norm(np.linalg.solve(normal, right)))


def complaint(parity: Parity, precision: str) -> str:
    """What is wrong with a file that measures so; "" where nothing is."""
    most, least, _ = TOLERANCE[precision]
    wrong, mean = [], 1.0
    if parity.own:
        most = max(most, OWN * parity.own["max_alpha"])
        mean = max(1e-5, OWN * parity.own["mean_alpha"])
    if not parity.max_alpha <= most:
        wrong.append(f"alpha differs by up to {parity.max_alpha:.2g} (allowed {most:.2g})")
    elif not parity.mean_alpha <= mean:
        wrong.append(f"alpha differs by {parity.mean_alpha:.2g} on average (allowed {mean:.2g})")
    if not parity.iou >= least:
        wrong.append(f"masks agree to IoU {parity.iou:.4f} only (needed {least:g})")
    if not parity.shift <= SHIFT:
        wrong.append(f"the mask is displaced by {parity.shift:.2f} pixels (allowed {SHIFT:g})")
    for name, most_lost in LOSS.items():
        if not parity.loss.get(name, 0.0) <= most_lost:
            points = f"{100 * parity.loss[name]:.2f} points (allowed {100 * most_lost:g})"
            wrong.append(f"{name.replace('_iou', ' IoU').replace('iou', 'IoU')} falls by {points}")
    return f"{', '.join(wrong)}, on {parity.source}" if wrong else ""


def accuracy_loss(run: Run, net: Network, labelled: list[Labelled]) -> dict[str, float]:
    """How much IoU and boundary IoU `run` loses against `net`, as shares, on pictures with masks."""
    if not labelled:
        raise ValueError(
            "int8 is judged by its masks on labelled pictures, and there are none: "
            "name a folder of shards by --data or FASTPORTRAIT_DATA"
        )

    def torchs(image: Picture) -> Picture:
        return reference(net, [image])[0]

    ours, theirs = accuracy(torchs, labelled), accuracy(run, labelled)
    return {name: ours[name] - theirs[name] for name in LOSS}


def accuracy(run: Run, labelled: list[Labelled]) -> dict[str, float]:
    """Mean person IoU and boundary IoU of `run` over pictures, each at its own size."""
    rows = []
    for picture in labelled:
        truth = picture.truth > 127
        alpha = cv2.resize(
            np.asarray(run(picture.image()), np.float32)[0, 0],
            truth.shape[::-1],
            interpolation=cv2.INTER_LINEAR,
        )
        mask = alpha > 0.5
        rows.append((masks.iou(mask, truth), masks.boundary_iou(mask, truth)))
    means = np.mean(rows, axis=0)
    return {"iou": float(means[0]), "boundary_iou": float(means[1])}
