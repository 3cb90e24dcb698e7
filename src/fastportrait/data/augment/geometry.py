"""What of a picture is seen: crops, zooming out, turns, mirror images, and where a second person stands."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from ..amounts import Amounts
from ..memory import Pictures
from .chance import Chance


@dataclass(frozen=True)
class Window:
    """What of a picture is seen: centre and size (N, 2), (y, x) in canvas pixels; turn (N,) in radians."""

    centre: Tensor
    size: Tensor
    turn: Tensor
    mirrored: Tensor


def portrait_window(
    extent: Tensor, replaced: Tensor, amounts: Amounts, frame: Chance, turn: Chance, flip: Chance
) -> tuple[Window, Tensor]:
    """What of each portrait is seen; those with a new background, `replaced`, may be smaller than the frame.

    Also (N,) bool: whether something else shows beyond the picture's frame; else its edge pixels go on.
    """
    whole = frame.happens(amounts.whole) & ~replaced
    smaller = frame.happens(amounts.zoom_out) & ~whole & ~replaced
    cropped = frame.happens(amounts.crop) & ~whole & ~replaced & ~smaller
    zoom = torch.where(
        replaced,
        frame.uniform(-0.4, 0.5),
        torch.where(
            smaller,
            frame.uniform(0.0, 0.5),
            torch.where(cropped, frame.uniform(-0.5, 0.0), torch.tensor(0.0)),
        ),
    )
    stretch = torch.where(replaced | smaller | cropped, frame.uniform(-0.2, 0.2), 0.0)
    size = extent * torch.stack([zoom - stretch / 2, zoom + stretch / 2], dim=1).exp()
    room = (extent - size) / 2  # > 0: the window lies within the picture
    place = frame.uniform(-1, 1, 2)
    # A bust ends at the lower edge of its picture: there the window ends too, or the bust would float.
    place[:, 0] = torch.where(replaced & (room[:, 0] < 0), -1.0, place[:, 0])
    centre = extent / 2 + torch.where(room > 0, room * place, room.abs() * place)
    turned = turn.happens(amounts.turn) & ~whole
    angle = torch.where(turned, turn.uniform(-pi / 12, pi / 12), 0.0)
    return Window(centre, size, angle, flip.happens(amounts.flip)), replaced | smaller


def scene_window(extent: Tensor, chance: Chance) -> Window:
    size = extent * chance.uniform(0.4, 1.0, 2)
    centre = extent / 2 + (extent - size) / 2 * chance.uniform(-1, 1, 2)
    return Window(centre, size, torch.zeros_like(size[:, 0]), chance.happens(0.5))


def beside_window(extent: Tensor, theirs: Tensor, ours: Tensor, place: Tensor) -> Window:
    """Where a second person is seen whole, at the lower edge, on the side that has more room.

    `theirs` (N,): the middle of the second person in canvas pixels; `ours` (N,): of the first in the frame,
    in [0, 1]. `place` (N, 3) in [0, 1] chooses their size, how far they stand apart, which way they look.
    """
    size = extent * (0.05 + 0.55 * place[:, :1]).exp()
    away = 0.28 + 0.17 * place[:, 1]
    target = torch.where(ours < 0.5, ours + away, ours - away).clamp(0.05, 0.95)
    mirrored = place[:, 2] < 0.5
    shift = (target - 0.5) * size[:, 1]
    across = theirs + torch.where(mirrored, shift, -shift)
    centre = torch.stack([extent[:, 0] - size[:, 0] / 2, across], dim=1)
    return Window(centre, size, torch.zeros_like(across), mirrored)


def look(pictures: Pictures, which: Tensor, window: Window, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(N, 4, H, W) RGB and alpha in [0, 1] through the window; (N, 1, H, W): 1 where the picture reaches."""
    canvas = torch.cat([pictures.image[which], pictures.alpha[which]], dim=1)
    return through(canvas, pictures.extent[which], window, size)


def look_at_scene(pictures: Pictures, which: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """(N, 3, H, W) RGB in [0, 1] through the window."""
    return through(pictures.image[which], pictures.extent[which], window, size)[0]


def through(canvas: Tensor, extent: Tensor, window: Window, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) in [0, 1] of `canvas` (N, C, S, S) uint8, and (N, 1, H, W), as `look` gives them."""
    side, device = canvas.shape[-1], canvas.device
    y = ((torch.arange(size[0], device=device) + 0.5) / size[0] - 0.5).view(1, -1, 1)
    x = ((torch.arange(size[1], device=device) + 0.5) / size[1] - 0.5).view(1, 1, -1)
    x = torch.where(window.mirrored.view(-1, 1, 1), -x, x)
    dy, dx = y * window.size[:, 0].view(-1, 1, 1), x * window.size[:, 1].view(-1, 1, 1)
    cos, sin = window.turn.cos().view(-1, 1, 1), window.turn.sin().view(-1, 1, 1)
    py = window.centre[:, 0].view(-1, 1, 1) + cos * dy - sin * dx
    px = window.centre[:, 1].view(-1, 1, 1) + sin * dy + cos * dx
    height, width = (extent[:, i].view(-1, 1, 1) for i in (0, 1))
    inside = ((py >= 0) & (py <= height) & (px >= 0) & (px <= width)).unsqueeze(1).float()
    py = torch.minimum(py.clamp_min(0.5), height - 0.5)
    px = torch.minimum(px.clamp_min(0.5), width - 0.5)
    grid = torch.stack([px, py], dim=-1) * (2 / side) - 1
    # Shrinking by more than 1.5 would alias: there the picture is halved first.
    coarse = (window.size / torch.tensor(size, device=device)).amax(1) > 1.5
    seen = torch.empty(*canvas.shape[:2], *size, device=device)
    for chosen, factor in ((~coarse, 1), (coarse, 2)):
        if chosen.any():
            part = canvas[chosen].float()
            part = F.avg_pool2d(part, 2) if factor == 2 else part
            seen[chosen] = F.grid_sample(part, grid[chosen], align_corners=False)
    return seen.div_(255).clamp_(max=1), inside  # rounding may leave a hair above


def middle(alpha: Tensor) -> Tensor:
    """(N, 2): the centre of mass (y, x) of (N, 1, H, W), in [0, 1]; the frame's where nobody is."""
    height, width = alpha.shape[-2:]
    y = (torch.arange(height, device=alpha.device) + 0.5) / height
    x = (torch.arange(width, device=alpha.device) + 0.5) / width
    mass = alpha.sum((1, 2, 3)) + 1e-3
    down, across = (alpha.sum(3).squeeze(1) * y).sum(1), (alpha.sum(2).squeeze(1) * x).sum(1)
    return torch.stack([(down + 0.5e-3) / mass, (across + 0.5e-3) / mass], dim=1)
