"""Pictures harmed on purpose, to see what a model does in the dark, behind a hand, or beside somebody else.

The steps are those of augmentation, each at full share and at the picture's own size; all but "like", whose
seam along a mask that is not exact shows a network the way (metrics/slices.py has low contrast as it occurs).
What befalls a picture follows from its key alone, so that every model is measured on the same pictures.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from .augment.chance import Chance
from .augment.compositing import over
from .augment.damage import motion, noise
from .augment.geometry import beside_window, middle, through
from .augment.jpeg import jpeg
from .augment.occlusion import hands, targets, things
from .augment.photometry import low_light, temperature
from .shards import Sample

Harmed = tuple[Tensor, Tensor]
Harm = Callable[[Tensor, Tensor, Chance], Harmed]
EVERYWHERE = slice(None)


def _light(step: Callable[[Tensor, Chance, float], Tensor]) -> Harm:
    """Of a step that leaves the mask as it is."""
    return lambda image, alpha, chance: (step(image, chance, 1.0), alpha)


def _behind(made: Callable[..., Harmed], belongs: float) -> Harm:
    """Behind something that belongs to the person, 1, or not, 0."""

    def harm(image: Tensor, alpha: Tensor, chance: Chance) -> Harmed:
        colour, shape = made(image.shape, targets(alpha), chance, torch.tensor([True]))
        return over(colour, shape, image), alpha + shape * (belongs - alpha)

    return harm


HARMS: dict[str, Harm] = {
    "low_light": _light(low_light),
    "temperature": _light(temperature),
    "hand": _behind(hands, 1.0),
    "thing": _behind(things, 0.0),
    "motion": _light(motion),
    "noise": _light(noise),
    "jpeg": _light(jpeg),
}
"""By the names of data/amounts.py, where what each does is said; "several" is there too."""
NAMES = (*HARMS, "several")


def harmed(samples: Iterable[Sample], name: str) -> Iterator[Sample]:
    """Each of `samples` with what `name` of `NAMES` stands for done to it, its mask too where that changes
    what is seen. For "several" the last one before it that can be cut out stands in front, at a side.

    Raises `ValueError` where a sample has no mask.
    """
    guest: Sample | None = None
    for sample in samples:
        if sample.alpha is None:
            raise ValueError(f"{sample.key} has no mask: only pictures with one can be harmed")
        image = torch.from_numpy(sample.image).permute(2, 0, 1).unsqueeze(0).float() / 255
        alpha = torch.from_numpy(sample.alpha).view(1, 1, *sample.alpha.shape).float() / 255
        chance = Chance(crc32(sample.key.encode()), name, 1, EVERYWHERE, torch.device("cpu"))
        if name == "several":
            image, alpha = _beside(image, alpha, guest, chance)
            guest = sample if _whole(sample) else guest
        else:
            image, alpha = HARMS[name](image.contiguous(), alpha, chance)
        yield replace(
            sample,
            image=np.ascontiguousarray(_bytes(image[0]).transpose(1, 2, 0)),
            alpha=_bytes(alpha[0, 0]),
        )


def _beside(image: Tensor, alpha: Tensor, guest: Sample | None, chance: Chance) -> Harmed:
    if guest is None or guest.alpha is None:
        return image, alpha
    height, width = guest.image.shape[:2]
    side = max(height, width)
    canvas = torch.zeros(1, 4, side, side, dtype=torch.uint8)
    canvas[0, :3, :height, :width] = torch.from_numpy(guest.image).permute(2, 0, 1)
    canvas[0, 3, :height, :width] = torch.from_numpy(guest.alpha)
    extent = torch.tensor([[float(height), float(width)]])
    theirs, ours = middle(canvas[:, 3:].float() / 255)[:, 1] * side, middle(alpha)[:, 1]
    window = beside_window(extent, theirs, ours, chance.uniform(0, 1, 3))
    seen, inside = through(canvas, extent, window, (image.shape[-2], image.shape[-1]))
    front = seen[:, 3:] * inside
    return over(seen[:, :3], front, image), 1 - (1 - alpha) * (1 - front)


def _whole(sample: Sample) -> bool:
    """Whether its person can stand in another picture: a trusted soft mask that neither side cuts off."""
    soft = sample.meta.get("mask") in ("alpha", "refined")
    return soft and sample.alpha is not None and float(sample.alpha[:, [0, -1]].mean(axis=0).max()) < 20


def _bytes(value: Tensor) -> np.ndarray:
    return value.clamp(0, 1).mul(255).round().byte().numpy()
