"""int8 that is not a lottery: a ladder of ways to quantise, each judged by its masks on labelled pictures.

The first rung stores the weights alone in 8 bits and computes in float; it must hold, or nothing is written.
The next computes in 8 bits too, with ranges from pictures of the training split. Where its masks lose too
much, the layers that do the most damage, measured one by one, stay in float, more of them each time. The
highest rung that holds is kept. Where it needs layers in float, training with the rounding in place comes
next: `quantise_aware` of a recipe, which int8_recipe.py writes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..nets.network import Network
from .gate import LOSS, accuracy, compare, complaint, reference
from .pictures import Picture, Pictures

Run = Callable[[Picture], Picture]
KEPT = (0.0, 0.1, 0.2, 0.35, 0.5)
"""Shares of the layers that stay in float, in the order they are tried."""
WEIGHTS = "weights"
"""The name of the first rung."""
NEXT = "train on with the rounding in place: quantise_aware = true in a recipe for `fastportrait train`"
JUDGES = 4
"""Calibration pictures that a layer's damage is measured on."""


class Quantiser(Protocol):
    """What a format offers: ways to quantise one float file."""

    layers: list[str]
    """What may stay in float, by the names of the file."""

    def weights(self, path: Path) -> None:
        """Writes `path` with the weights alone in 8 bits."""

    def static(self, path: Path, layers: list[str]) -> None:
        """Writes `path` with weights and activations of `layers` in 8 bits, all else in float."""


@dataclass(frozen=True)
class Rung:
    name: str
    """ "weights", or "static, 12 of 60 layers in float"."""
    kept: list[str]
    """The layers in float, the most damaging first."""
    iou: float
    boundary_iou: float
    loss: dict[str, float]
    """What it loses against the network in PyTorch, as shares."""
    shift: float
    """Pixels by which it displaces the mask."""
    ok: bool
    """Whether the gate lets it through."""


def check(pictures: Pictures) -> None:
    """Raises `ValueError` where there is nothing to find ranges with, or to judge masks by."""
    if not pictures.labelled or not pictures.calibration:
        raise ValueError(
            "int8 is made and judged with real pictures, and there are none: "
            "name a folder of shards by --data or FASTPORTRAIT_DATA"
        )


def climb(
    quantiser: Quantiser, runner: Callable[[Path], Run], net: Network, path: Path, pictures: Pictures
) -> list[Rung]:
    """Writes `path` by the highest rung that holds; gives all that were tried, the one that was kept last.

    Raises `ValueError` where not even the first holds: the file has collapsed.
    """
    ours = accuracy(lambda image: reference(net, [image])[0], pictures.labelled)
    expected = reference(net, pictures.images)
    trial = path.with_name(f"trial-{path.name}")

    def judged(name: str, kept: list[str]) -> Rung:
        run = runner(trial)
        theirs = accuracy(run, pictures.labelled)
        loss = {metric: ours[metric] - theirs[metric] for metric in LOSS}
        parity = compare(run, expected, pictures.images, pictures.source, loss)
        wrong = complaint(parity, "int8")
        return Rung(name, kept, theirs["iou"], theirs["boundary_iou"], loss, parity.shift, not wrong)

    quantiser.weights(trial)
    tried = [judged(WEIGHTS, [])]
    if not tried[0].ok:
        points = ", ".join(f"{name} {100 * value:.2f}" for name, value in tried[0].loss.items())
        raise ValueError(
            f"int8 weights alone lose too much ({points} points): no file written; {NEXT}, then export again"
        )
    trial.replace(path)
    sensitive: list[str] = []
    for share in KEPT:
        if share and not sensitive:
            sensitive = by_damage(quantiser, runner, trial, pictures.calibration[:JUDGES])
        kept = sensitive[: round(share * len(quantiser.layers))]
        quantiser.static(trial, [layer for layer in quantiser.layers if layer not in kept])
        rung = judged(f"static, {len(kept)} of {len(quantiser.layers)} layers in float", kept)
        if rung.ok:
            trial.replace(path)
            return [*tried, rung]
        tried.append(rung)
    trial.unlink()
    return [*tried[1:], tried[0]]


def by_damage(
    quantiser: Quantiser, runner: Callable[[Path], Run], trial: Path, images: list[Picture]
) -> list[str]:
    """The layers, the one first that alone in 8 bits moves alpha the most, on average."""
    quantiser.static(trial, [])
    run = runner(trial)
    expected = [run(image) for image in images]
    damage = {}
    for layer in quantiser.layers:
        quantiser.static(trial, [layer])
        run = runner(trial)
        damage[layer] = np.mean(
            [np.abs(run(image) - alpha).mean() for image, alpha in zip(images, expected, strict=True)]
        )
    return sorted(quantiser.layers, key=lambda layer: -damage[layer])


def whole(rung: Rung) -> bool:
    """Whether it computes all layers in 8 bits, which is as far as the ladder goes."""
    return rung.name != WEIGHTS and not rung.kept


def describe(rung: Rung) -> dict[str, Any]:
    """For the file's card."""
    said: dict[str, Any] = {"rung": rung.name, "in_float": rung.kept}
    said["loss"] = {name: round(value, 5) for name, value in rung.loss.items()}
    return said if whole(rung) else said | {"next": NEXT}
