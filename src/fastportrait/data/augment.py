"""From pictures on canvases to a training batch: crops, new backgrounds, light and damage, all on one device.

Everything is batched and drawn from one `torch.Generator`, so a batch is a function of (seed, step).
"""

from dataclasses import dataclass
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..losses import edge_band
from ..recipe import Recipe
from .memory import MASKS, Pictures


class Batch(NamedTuple):
    image: Tensor
    """(N, 3, H, W) RGB in [0, 1]."""
    alpha: Tensor
    """(N, 1, H, W) in [0, 1]."""
    weight: Tensor
    """(N, 1, H, W): how far to believe `alpha` at each pixel."""
    trust: Tensor
    """(N, 1, 1, 1): how far to believe the picture as a whole."""


def batch(portraits: Pictures, scenes: Pictures, recipe: Recipe, generator: torch.Generator) -> Batch:
    """One step's augmented pictures, as `recipe` has them."""
    device, count, size = portraits.image.device, recipe.batch, recipe.size
    chance = _Chance(generator, count, device)
    which = portraits.pick(count, generator).to(device)
    behind = scenes.pick(count, generator).to(device)

    studio = portraits.composite[which]
    soft = portraits.mask[which] <= MASKS.index("refined")
    replaced = studio | (soft & chance.happens(recipe.paste))
    window, framed = _portrait_window(portraits.extent[which], replaced, recipe.whole, chance)
    front, inside = _look(portraits, which, window, size)
    inside = torch.where(framed.view(-1, 1, 1, 1), inside, 1.0)
    back, _ = _look(scenes, behind, _scene_window(scenes.extent[behind], chance), size)

    person, alpha = front[:, :3], front[:, 3:] * inside
    person = _light(person, chance, strength=torch.where(replaced, 0.6 * recipe.light, 0.0))
    opacity = torch.where(replaced.view(-1, 1, 1, 1), alpha, inside)
    nobody = chance.happens(recipe.empty).view(-1, 1, 1, 1)
    opacity, alpha = opacity * ~nobody, alpha * ~nobody
    image = opacity * person + (1 - opacity) * back[:, :3]

    image = _light(image, chance, strength=torch.where(chance.happens(0.8), recipe.light, 0.0))
    image = _damage(image, chance, recipe.damage)

    trust = torch.where(nobody, 1.0, portraits.trust[which].view(-1, 1, 1, 1))
    weight = trust.expand_as(alpha).clone()
    polygon = (portraits.mask[which] == MASKS.index("polygon")).view(-1, 1, 1, 1) & ~nobody
    if polygon.any():
        radius = round(0.02 * (size[0] ** 2 + size[1] ** 2) ** 0.5)
        weight = weight * torch.where(polygon, 1 - edge_band(alpha, radius), 1.0)
    return Batch(image.clamp(0, 1), alpha, weight, trust)


class _Chance:
    """Random numbers, one a picture, from one generator (which may live on another device)."""

    def __init__(self, generator: torch.Generator, count: int, device: torch.device) -> None:
        self.generator, self.count, self.device = generator, count, device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(self.count, *shape, generator=self.generator, device=self.generator.device)
        return drawn.to(self.device) * (high - low) + low

    def happens(self, share: float) -> Tensor:
        return self.uniform(0, 1) < share

    def noise(self, chosen: Tensor, shape: torch.Size) -> Tensor:
        """Sensor noise for the `chosen` pictures, of `shape`: up to 5 % of full scale."""
        drawn = torch.randn(shape, generator=self.generator, device=self.generator.device).to(self.device)
        return drawn * self.uniform(0.0, 0.05, 1, 1, 1)[chosen]


@dataclass(frozen=True)
class _Window:
    """What of a picture is seen: centre and size (N, 2), (y, x) in canvas pixels; turn (N,) in radians."""

    centre: Tensor
    size: Tensor
    turn: Tensor
    mirrored: Tensor


def _portrait_window(
    extent: Tensor, replaced: Tensor, whole_share: float, chance: _Chance
) -> tuple[_Window, Tensor]:
    """What of each portrait is seen; those with a new background may be smaller than the frame.

    Also (N,) bool: whether something else shows beyond the picture's frame; else its edge pixels go on.
    """
    whole = chance.happens(whole_share) & ~replaced
    smaller = chance.happens(0.15) & ~whole & ~replaced  # a photo in a photo
    log_zoom = torch.where(
        replaced,
        chance.uniform(-0.4, 0.5),
        torch.where(smaller, chance.uniform(0.0, 0.5), chance.uniform(-0.5, 0.0)),
    )
    stretch = chance.uniform(-0.2, 0.2)
    zoom = torch.where(whole, torch.zeros_like(log_zoom), log_zoom)
    stretch = torch.where(whole, torch.zeros_like(stretch), stretch)
    factor = torch.stack([zoom - stretch / 2, zoom + stretch / 2], dim=1).exp()
    size = extent * factor
    room = (extent - size) / 2  # > 0: the window lies within the picture
    place = chance.uniform(-1, 1, 2)
    # A bust ends at the lower edge of its picture: there the window ends too, or the bust would float.
    place[:, 0] = torch.where(replaced & (room[:, 0] < 0), -1.0, place[:, 0])
    centre = extent / 2 + torch.where(room > 0, room * place, room.abs() * place)
    turn = torch.where(chance.happens(0.4) & ~whole, chance.uniform(-pi / 12, pi / 12), 0.0)
    return _Window(centre, size, turn, chance.happens(0.5)), replaced | smaller


def _scene_window(extent: Tensor, chance: _Chance) -> _Window:
    size = extent * chance.uniform(0.4, 1.0, 2)
    centre = extent / 2 + (extent - size) / 2 * chance.uniform(-1, 1, 2)
    return _Window(centre, size, torch.zeros_like(size[:, 0]), chance.happens(0.5))


def _look(pictures: Pictures, which: Tensor, window: _Window, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(N, 4, H, W) RGB and alpha in [0, 1] through the window; (N, 1, H, W): 1 where the picture reaches."""
    side = pictures.image.shape[-1]
    device = pictures.image.device
    y = ((torch.arange(size[0], device=device) + 0.5) / size[0] - 0.5).view(1, -1, 1)
    x = ((torch.arange(size[1], device=device) + 0.5) / size[1] - 0.5).view(1, 1, -1)
    x = torch.where(window.mirrored.view(-1, 1, 1), -x, x)
    dy, dx = y * window.size[:, 0].view(-1, 1, 1), x * window.size[:, 1].view(-1, 1, 1)
    cos, sin = window.turn.cos().view(-1, 1, 1), window.turn.sin().view(-1, 1, 1)
    py = window.centre[:, 0].view(-1, 1, 1) + cos * dy - sin * dx
    px = window.centre[:, 1].view(-1, 1, 1) + sin * dy + cos * dx
    height, width = (pictures.extent[which, i].view(-1, 1, 1) for i in (0, 1))
    inside = ((py >= 0) & (py <= height) & (px >= 0) & (px <= width)).unsqueeze(1).float()
    py = torch.minimum(py.clamp_min(0.5), height - 0.5)
    px = torch.minimum(px.clamp_min(0.5), width - 0.5)
    grid = torch.stack([px, py], dim=-1) * (2 / side) - 1
    canvas = torch.cat([pictures.image[which], pictures.alpha[which]], dim=1).float() / 255
    seen = F.grid_sample(canvas, grid, align_corners=False)
    # Shrinking by more than 1.5 would alias: there the picture is halved first.
    coarse = (window.size / torch.tensor(size, device=device)).amax(1) > 1.5
    if coarse.any():
        seen[coarse] = F.grid_sample(F.avg_pool2d(canvas[coarse], 2), grid[coarse], align_corners=False)
    return seen, inside


def _light(image: Tensor, chance: _Chance, strength: Tensor) -> Tensor:
    """Exposure, gamma, contrast, colour temperature, saturation, each picture by its `strength` (N,)."""

    def by(low: float, high: float, channels: int = 1) -> Tensor:
        return (chance.uniform(low, high, channels) * strength.view(-1, 1)).view(-1, channels, 1, 1)

    image = image.clamp_min(1e-4).pow(by(-0.45, 0.45).exp())  # low light: noise follows in `_damage`
    image = image * (by(-0.3, 0.3).exp() * by(-0.12, 0.12, 3).exp())
    grey = image.mean(1, keepdim=True)
    image = grey + (image - grey) * (1 + by(-0.6, 0.4))
    middle = image.mean((1, 2, 3), keepdim=True)
    return (middle + (image - middle) * (1 + by(-0.3, 0.3))).clamp(0, 1)


def _damage(image: Tensor, chance: _Chance, often: float) -> Tensor:
    """What cameras and uploads do: a soft lens, a shaken hand, few pixels, sensor noise, no colour."""
    from kornia.filters import gaussian_blur2d, motion_blur

    image = image.clone()
    sigma, angle = chance.uniform(0.4, 2.0, 1), chance.uniform(0, 360)
    for share, damage in (
        (0.10, lambda x, chosen: gaussian_blur2d(x, 7, sigma[chosen].expand(-1, 2))),
        (0.05, lambda x, chosen: motion_blur(x, 7, angle[chosen], torch.zeros_like(angle[chosen]))),
        (0.10, lambda x, chosen: _fewer_pixels(x)),
        (0.25, lambda x, chosen: x + chance.noise(chosen, x.shape)),
        (0.04, lambda x, chosen: x.mean(1, keepdim=True).expand_as(x)),
    ):
        chosen = chance.happens(share * often)
        if chosen.any():
            image[chosen] = damage(image[chosen], chosen)
    return image


def _fewer_pixels(image: Tensor) -> Tensor:
    small = F.interpolate(image, scale_factor=0.5, mode="bilinear", antialias=True)
    return F.interpolate(small, image.shape[-2:], mode="bilinear", align_corners=False)
