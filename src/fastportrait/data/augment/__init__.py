"""From pictures on canvases to a training batch, step by step, all of it batched on one device.

A batch is a function of (seed, step): one number is taken from the step's `torch.Generator`, and every step
of augmentation draws from a stream of its own that follows from it. A step that is off draws nothing and
changes nothing of what the others do. What each step does to a picture: docs/augmentation.md.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ...losses import edge_band
from ...recipe import Recipe
from ..memory import MASKS, Pictures
from .chance import Chance
from .compositing import clean, match, over, second_person
from .damage import blur, grey, motion, noise, rescale
from .geometry import look, look_at_scene, portrait_window, scene_window
from .jpeg import jpeg
from .occlusion import hands, targets, things
from .photometry import light, like, low_light, temperature


class Batch(NamedTuple):
    image: Tensor
    """(N, 3, H, W) RGB in [0, 1]."""
    alpha: Tensor
    """(N, 1, H, W) in [0, 1]."""
    weight: Tensor
    """(N, 1, H, W): how far to believe `alpha` at each pixel."""
    trust: Tensor
    """(N, 1, 1, 1): how far to believe the picture as a whole."""


def batch(
    portraits: Pictures,
    scenes: Pictures,
    recipe: Recipe,
    generator: torch.Generator,
    rows: slice = slice(None),
) -> Batch:
    """One step's augmented pictures, as `recipe` has them; only `rows` of them where processes share a step.

    `generator` gives the same numbers for all rows, so those of a share are those of the whole.
    """
    amounts, size, device = recipe.augment, recipe.size, portraits.image.device
    which = portraits.pick(recipe.batch, generator)[rows].to(device)
    behind = scenes.pick(recipe.batch, generator)[rows].to(device)
    seed = int(torch.randint(2**32, (), generator=generator, device=generator.device))

    def chance(name: str) -> Chance:
        return Chance(seed, name, recipe.batch, rows, device)

    soft = portraits.mask[which] <= MASKS.index("refined")
    studio = portraits.composite[which]
    replaced = studio | (soft & chance("paste").happens(amounts.paste))
    somebody = ~chance("empty").happens(amounts.empty)

    window, framed = portrait_window(
        portraits.extent[which], replaced, amounts, chance("frame"), chance("turn"), chance("flip")
    )
    front, inside = look(portraits, which, window, size)
    inside = torch.where(_each(framed), inside, 1.0)
    back = look_at_scene(scenes, behind, scene_window(scenes.extent[behind], chance("scene")), size)
    person, own = front[:, :3], front[:, 3:] * inside * _each(somebody)

    if amounts.clean:
        person = clean(person, front[:, 3:], replaced & chance("clean").happens(amounts.clean))
    if amounts.light:
        person = light(person, chance("light person"), torch.where(replaced, 0.6 * amounts.light, 0.0))
    if amounts.match:
        stream = chance("match")
        person = match(person, own, back, stream, replaced & somebody & stream.happens(amounts.match))

    alpha = own
    opacity = torch.where(_each(replaced), own, inside * _each(somebody))
    if amounts.several:
        other, theirs = second_person(portraits, own, somebody, amounts, chance("several"))
        shown = theirs.amax((1, 2, 3)) > 0
        behind_us, before_us = shown & replaced, shown & ~replaced
        back[behind_us] = over(other[behind_us], theirs[behind_us], back[behind_us])
        image = over(person, opacity, back)
        image[before_us] = over(other[before_us], theirs[before_us], image[before_us])
        alpha = 1 - (1 - own) * (1 - theirs)
    else:
        image = over(person, opacity, back)

    if amounts.like:
        image = like(image, alpha, somebody & (soft | replaced), chance("like"), amounts.like)
    image, alpha, covered = _occluded(image, alpha, somebody, recipe, chance("hand"), chance("thing"))

    if amounts.light:
        stream = chance("light")
        image = light(image, stream, torch.where(stream.happens(0.8), amounts.light, 0.0))
    for name, share, step in (
        ("temperature", amounts.temperature, temperature),
        ("low_light", amounts.low_light, low_light),
        ("blur", amounts.blur, blur),
        ("motion", amounts.motion, motion),
        ("rescale", amounts.rescale, rescale),
        ("noise", amounts.noise, noise),
        ("grey", amounts.grey, grey),
        ("jpeg", amounts.jpeg, jpeg),
    ):
        if share:
            image = step(image, chance(name), share)

    trust = torch.where(_each(somebody), _each(portraits.trust[which]), 1.0)
    polygon = (portraits.mask[which] == MASKS.index("polygon")) & somebody
    return Batch(image.clamp(0, 1), alpha, _weight(own, trust, polygon, covered), trust)


def _occluded(
    image: Tensor, alpha: Tensor, somebody: Tensor, recipe: Recipe, hand: Chance, thing: Chance
) -> tuple[Tensor, Tensor, Tensor]:
    """`image` and `alpha` behind hands and things, and (N, 1, H, W) bool: what these cover."""
    at, covered = targets(alpha), torch.zeros_like(alpha, dtype=torch.bool)
    for stream, share, made, belongs in (
        (thing, recipe.augment.thing, things, 0.0),
        (hand, recipe.augment.hand, hands, 1.0),
    ):
        if not share:
            continue
        chosen = stream.happens(share) & somebody
        if chosen.any():
            colour, shape = made(image.shape, at, stream, chosen)
            alpha = alpha.clone()  # `own` may be the same tensor
            image[chosen] = over(colour, shape, image[chosen])
            alpha[chosen] = alpha[chosen] + shape * (belongs - alpha[chosen])
            covered[chosen] |= shape > 0
    return image, alpha, covered


def _weight(own: Tensor, trust: Tensor, polygon: Tensor, covered: Tensor) -> Tensor:
    """(N, 1, H, W): `trust` (N, 1, 1, 1), but nothing along the edge of a `polygon` (N,) that can be seen."""
    weight = trust.expand_as(own).clone()
    if polygon.any():
        height, width = own.shape[-2:]
        radius = round(0.02 * (height**2 + width**2) ** 0.5)
        weight[polygon] *= torch.where(covered[polygon], 1.0, 1 - edge_band(own[polygon], radius))
    return weight


def _each(value: Tensor) -> Tensor:
    """(N,) as (N, 1, 1, 1), to go with images."""
    return value.view(-1, 1, 1, 1)
