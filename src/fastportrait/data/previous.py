"""The mask of the frame before, made from the mask of a still: moved a little, and often wrong.

A network that is only ever shown right masks learns to copy them. Here a mask may be missing altogether, as
in a first frame, lack a part, have one too many, be somebody else's, or be late, so that the network has to
look at the picture.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

EMPTY = 0.25
"""Share of the masks that are missing, as in a first frame."""
OTHER = 0.05
"""... that belong to another picture, as after a cut that nobody saw."""
HOLE, PATCH = 0.3, 0.2
"""... that lack a part, or have one too many."""
MOVED = {"shift": 0.03, "turn": 0.05, "zoom": 0.04}
"""Furthest that somebody moves from one frame to the next: shares of the picture, radians, a share."""
LATE = 0.15
"""Share of the masks that come from some frames further back: four times as far away."""


def previous(alpha: Tensor, generator: torch.Generator) -> Tensor:
    """(N, 1, H, W) in [0, 1] -> the same of a frame before, for each picture by itself.

    `generator` is on the CPU and gives the same numbers wherever `alpha` lies.
    """
    n = len(alpha)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator).to(alpha.device)

    far = torch.where(drawn() < LATE, 4.0, 1.0)
    mask = moved(alpha, (2 * drawn(4) - 1) * far[:, None])
    other = drawn() < OTHER
    mask = torch.where(_each(other), mask.roll(1, 0), mask)
    for share, value in ((HOLE, 0.0), (PATCH, 1.0)):
        chosen = _each(drawn() < share)
        mask = torch.where(chosen & blobs(alpha.shape, drawn(5)), value, mask)
    soft = F.avg_pool2d(mask, 5, stride=1, padding=2, count_include_pad=False)
    mask = mask.lerp(soft, _each(drawn()))
    return torch.where(_each(drawn() < EMPTY), 0.0, mask).clamp(0, 1)


def moved(mask: Tensor, by: Tensor) -> Tensor:
    """`by`: (N, 4), right, down, turn and zoom in units of `MOVED`; what lies beyond the border goes on."""
    right, down = (2 * MOVED["shift"] * by[:, :2]).unbind(1)
    turn, zoom = MOVED["turn"] * by[:, 2], 1 + MOVED["zoom"] * by[:, 3]
    cos, sin = zoom * turn.cos(), zoom * turn.sin()
    rows = torch.stack([cos, -sin, right, sin, cos, down], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(rows, list(mask.shape), align_corners=False)
    return F.grid_sample(mask, grid, padding_mode="border", align_corners=False)


def blobs(shape: torch.Size, drawn: Tensor) -> Tensor:
    """(N, 1, H, W) bool: an ellipse each, up to a third of the picture long; `drawn`: (N, 5) in [0, 1)."""
    height, width = shape[-2:]
    y = torch.linspace(0, 1, height, device=drawn.device).view(1, -1, 1)
    x = torch.linspace(0, 1, width, device=drawn.device).view(1, 1, -1)
    cx, cy, a, b, angle = (value.view(-1, 1, 1) for value in drawn.unbind(1))
    cos, sin = (torch.pi * angle).cos(), (torch.pi * angle).sin()
    along, across = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
    inside = (along / (0.03 + 0.14 * a)) ** 2 + (across / (0.03 + 0.14 * b)) ** 2 < 1
    return inside[:, None]


def _each(value: Tensor) -> Tensor:
    """(N,) as (N, 1, 1, 1), to go with masks."""
    return value.view(-1, 1, 1, 1)
