"""Random numbers for one step of augmentation: one a picture, the same however a batch is split.

Each step draws from a stream of its own, so a step that is off draws nothing, and switching one on or off
changes no number of another.
"""

from collections.abc import Callable
from math import tau
from zlib import crc32

import torch
from torch import Tensor


class Chance:
    """The stream of the step `name`, for the `rows` that this process makes of a batch of `count`."""

    def __init__(self, seed: int, name: str, count: int, rows: slice, device: torch.device) -> None:
        # 32 bits are all that PyTorch's generator takes of a seed.
        self.generator = torch.Generator().manual_seed((seed + crc32(name.encode())) % 2**32)
        self.count, self.rows, self.device = count, rows, device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(N, *shape) between `low` and `high`."""
        drawn = torch.rand(self.count, *shape, generator=self.generator)[self.rows]
        return drawn.to(self.device) * (high - low) + low

    def happens(self, share: float) -> Tensor:
        """(N,) bool."""
        return self.uniform(0, 1) < share

    def once(self, low: float, high: float) -> float:
        """One number for the whole batch."""
        return float(torch.rand((), generator=self.generator)) * (high - low) + low

    def seeds(self) -> Tensor:
        """(N,) int64 in [0, 2^32), for `grain`."""
        return torch.randint(2**32, (self.count,), generator=self.generator)[self.rows].to(self.device)


def grain(seeds: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """(n, *shape) of unit normal noise from (n,) seeds, the same on every device and beside any neighbours.

    Each pixel's place and seed are mixed by MurmurHash3's last rounds (A. Appleby, public domain), and the
    halves of the hash become a normal number (Box and Muller, 1958, doi:10.1214/aoms/1177706645).
    """
    bits = 2**32 - 1
    channels, height, width = shape
    place = torch.arange(channels * height * width, device=seeds.device)
    mixed = seeds.view(-1, 1) ^ (place * 0x9E3779B1 & bits)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> shift)) * factor & bits
    mixed = mixed ^ (mixed >> 16)
    radius = (((mixed >> 16) + 0.5) / 2**16).log().mul(-2).sqrt()
    normal = radius * ((mixed & 0xFFFF) * (tau / 2**16)).cos()
    return normal.view(-1, *shape)


def changed(image: Tensor, chosen: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`image`, its `chosen` (N,) bool pictures replaced in place by what `change` makes of them alone."""
    if chosen.any():
        image[chosen] = change(image[chosen])
    return image
