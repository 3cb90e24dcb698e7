"""Max pooling that remembers where, and unpooling that puts values back there: SegNet's and ENet's way up.

Trained with PyTorch's index tensors. `deploy()` puts another form in their place, equal in output: an index
tensor needs an int64 scatter, which phone runtimes lack or run slowly. So the phone marks the places with
ones in a map of the image's own shape, by max pools, nearest doubling and arithmetic alone: ncnn has no
comparisons, and what lies below the maximum, clamped to [0, 1] and rounded up, is 0 or 1 all the same.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Place(NamedTuple):
    """Where the maxima of one pooling lay."""

    where: Tensor
    """Training: their indices (N, C, h, w) in the plane H x W. On the phone: ones there, (N, C, H, W)."""
    size: torch.Size
    """(H, W)."""


class MaxPool(nn.Module):
    """2x2 maxima, stride 2: (N, C, H, W) -> (N, C, h, w), h = H / 2 and w = W / 2, rounded up; and their
    `Place`."""

    def forward(self, x: Tensor) -> tuple[Tensor, Place]:
        pooled, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
        return pooled, Place(where, x.shape[2:])

    def fuse(self) -> nn.Module:
        return MarkingPool()


class MaxUnpool(nn.Module):
    """(N, C, h, w) -> (N, C, H, W): each value where the maximum lay, zero elsewhere."""

    def forward(self, x: Tensor, place: Place) -> Tensor:
        return F.max_unpool2d(x, place.where, [2, 2], output_size=list(place.size))

    def fuse(self) -> nn.Module:
        return MarkedUnpool()


class MarkingPool(nn.Module):
    """`MaxPool` for the phone.

    Of equal values in a window the first in reading order is the maximum, as in PyTorch. Behind a ReLU ties
    are the rule (windows of zeros), and a mark for each of them would put the value back up to four times. So
    the places of a window have ranks 8, 4 | 2, 1, and the highest rank among the tied stays. Powers of two,
    so that a column and a row of factors make them: a constant the size of the map would be most of the file.
    """

    down: Tensor
    across: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("down", torch.tensor([4.0, 1.0]).view(1, 1, 2, 1), persistent=False)
        self.register_buffer("across", torch.tensor([2.0, 1.0]).view(1, 1, 1, 2), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Place]:
        pooled = F.max_pool2d(x, 2, ceil_mode=True)
        size, (h, w) = x.shape[2:], pooled.shape[2:]
        tied = 1 - (_enlarged(pooled, size) - x).clamp(0, 1).ceil()
        down, across = self.down.repeat(1, 1, h, 1), self.across.repeat(1, 1, 1, w)
        rank = tied * down[:, :, : size[0]] * across[..., : size[1]]
        first = 1 - (_enlarged(F.max_pool2d(rank, 2, ceil_mode=True), size) - rank).clamp(0, 1)
        return pooled, Place(first, size)


class MarkedUnpool(nn.Module):
    """`MaxUnpool` for the phone."""

    def forward(self, x: Tensor, place: Place) -> Tensor:
        return place.where * _enlarged(x, place.size)


def _enlarged(x: Tensor, size: torch.Size) -> Tensor:
    """Each value four times; the last row and column are cut off where `size` is odd."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    return x if x.shape[2:] == size else x[:, :, : size[0], : size[1]]
