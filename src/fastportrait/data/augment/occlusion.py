"""Hands and things that come before the person: made shapes, since no data set has their masks.

A hand belongs to a person, so the mask takes it in; a thing does not, so the mask loses what it hides.
"""

from math import pi

import torch
from torch import Tensor

from .chance import Chance, grain
from .geometry import middle

# Palest and darkest skin, between which a hand's lies (RGB).
SKIN = ((0.96, 0.81, 0.72), (0.29, 0.17, 0.11))
# A finger: where it begins and its reach in palm radii (x, y, y up), its width, its lean outwards in radians.
FINGERS = (
    (-0.66, 0.62, 1.25, 0.21, -0.16),
    (-0.22, 0.78, 1.55, 0.22, -0.05),
    (0.22, 0.78, 1.45, 0.22, 0.06),
    (0.64, 0.62, 1.10, 0.19, 0.20),
    (-0.85, -0.35, 1.15, 0.25, -0.80),
)


def hands(shape: torch.Size, target: Tensor, chance: Chance, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 3, H, W) and alpha (n, 1, H, W) of a hand each for the `chosen` (N,); `target` (N, 2) is near it.

    An arm comes from below or from the side, with or without a sleeve; the fingers are spread or folded.
    """
    radius = chance.uniform(0.055, 0.11)[chosen].view(-1, 1, 1)
    x, y = _local(shape, target, chance.uniform(-0.28, 0.28, 2), chance.uniform(-1.1, 1.1), chosen)
    x, y = x / radius, -y / radius
    x = torch.where(chance.happens(0.5)[chosen].view(-1, 1, 1), -x, x)
    reach, spread = chance.uniform(0.35, 1.0, 5)[chosen], chance.uniform(0.3, 1.6)[chosen]
    parts = [
        _limb(x, y, (0.0, -1.0), (0.0, -30.0), 0.62),
        _limb(x, y, (-0.30, 0.0), (0.30, 0.0), 0.66),
        _limb(x, y, (0.0, -0.7), (0.0, 0.1), 0.72),
    ]
    for i, (left, up, length, width, lean) in enumerate(FINGERS):
        angle = (spread * lean).view(-1, 1, 1)
        long = length * reach[:, i].view(-1, 1, 1)
        parts.append(_limb(x, y, (left, up), (left + long * angle.sin(), up + long * angle.cos()), width))
    depth = torch.stack(parts, 1)  # 1 on the bone, 0 at the skin, below outside
    shade = 0.62 + 0.38 * depth.amax(1, keepdim=True).clamp(0, 1).sqrt()
    tone, cloth = chance.uniform(0, 1, 1, 1, 1)[chosen], chance.uniform(0, 0.9, 3, 1, 1)[chosen]
    pale, dark = (x.new_tensor(colour).view(1, 3, 1, 1) for colour in SKIN)
    skin = pale + (dark - pale) * tone + chance.uniform(-0.05, 0.05, 3, 1, 1)[chosen]
    cuff = torch.where(chance.happens(0.6), chance.uniform(1.4, 3.0), 99.0)[chosen].view(-1, 1, 1, 1)
    colour = torch.where(-y.unsqueeze(1) > cuff, cloth, skin) * shade
    lit = colour * (1 + chance.uniform(-0.25, 0.25, 1, 1, 1)[chosen] * x.unsqueeze(1).tanh())
    lit = lit + 0.012 * grain(chance.seeds()[chosen], (1, *shape[-2:]))
    widths = x.new_tensor([0.62, 0.66, 0.72, *(f[3] for f in FINGERS)]).view(1, -1, 1, 1)
    outside = (depth * widths).amax(1, keepdim=True) * radius.unsqueeze(1)  # in heights of the frame
    return lit.clamp(0, 1), _soft(outside, shape)


def things(shape: torch.Size, target: Tensor, chance: Chance, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 3, H, W) and alpha (n, 1, H, W) of a thing each: between an ellipse and a box, plain or striped."""
    half = chance.uniform(0.035, 0.15, 2)[chosen].view(-1, 2, 1, 1)
    x, y = _local(shape, target, chance.uniform(-0.3, 0.3, 2), chance.uniform(-pi / 2, pi / 2), chosen)
    power = chance.uniform(2, 9)[chosen].view(-1, 1, 1)
    across, down = (x / half[:, 0]).abs(), (y / half[:, 1]).abs()
    depth = 1 - (across.pow(power) + down.pow(power)).pow(1 / power)
    first, second = (chance.uniform(0.02, 0.95, 3, 1, 1)[chosen] for _ in range(2))
    stripes = chance.uniform(20, 120)[chosen].view(-1, 1, 1)
    wave = torch.where(chance.happens(0.5)[chosen].view(-1, 1, 1), (stripes * x).sin() * 4, y * 4)
    colour = first + (second - first) * wave.sigmoid().unsqueeze(1)
    shade = 0.75 + 0.25 * depth.clamp(0, 1).sqrt() + chance.uniform(-1.2, 1.2, 1, 1)[chosen] * x
    lit = colour * shade.unsqueeze(1) + 0.012 * grain(chance.seeds()[chosen], (1, *shape[-2:]))
    outside = depth.unsqueeze(1) * half.amin(1, keepdim=True)
    return lit.clamp(0, 1), _soft(outside, shape)


def targets(alpha: Tensor) -> Tensor:
    """(N, 2): where hands and things come, (y, x) in the frame: a little above the middle of the person."""
    return middle(alpha) - alpha.new_tensor([0.08, 0.0])


def _local(
    shape: torch.Size, target: Tensor, away: Tensor, turn: Tensor, chosen: Tensor
) -> tuple[Tensor, Tensor]:
    """(n, H, W) each: x to the right and y down from `target` + `away`, turned, in heights of the frame."""
    height, width = shape[-2:]
    centre = (target + away)[chosen]
    y = ((torch.arange(height, device=target.device) + 0.5) / height).view(1, -1, 1) - centre[
        :, 0, None, None
    ]
    x = ((torch.arange(width, device=target.device) + 0.5) / width).view(1, 1, -1) - centre[:, 1, None, None]
    x = x * (width / height)
    cos, sin = (f(turn[chosen]).view(-1, 1, 1) for f in (torch.cos, torch.sin))
    return cos * x + sin * y, cos * y - sin * x


Point = tuple[float | Tensor, float | Tensor]


def _limb(x: Tensor, y: Tensor, start: Point, end: Point, width: float) -> Tensor:
    """1 on the line from `start` to `end`, 0 at `width` from it, below 0 beyond."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = (((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return 1 - ((x - start[0] - along * dx).square() + (y - start[1] - along * dy).square()).sqrt() / width


def _soft(inside: Tensor, shape: torch.Size) -> Tensor:
    """Alpha from the signed distance to the edge in heights of the frame: an edge two pixels wide."""
    return (inside * shape[-2] / 2 + 0.5).clamp(0, 1)
