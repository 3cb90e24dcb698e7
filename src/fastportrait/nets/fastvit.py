"""FastViT: a vision transformer's skeleton whose tokens are mixed by one depthwise filter.

Paper: P. K. A. Vasu et al., "FastViT: A Fast Hybrid Vision Transformer using Structural Reparameterization",
       2023. https://arxiv.org/abs/2303.14189
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person; the classifier: scores (N, classes)
Size:  fastvit: 3,232,554 params, 809.7 M MACs at 256 x 256
       as it trains; deploy() fuses the branches
Differs from the paper: the trunk stands under a separable U-Net (heads.py), which also takes the stem's map
at stride 2; the paper uses a semantic FPN. T8 alone: its four stages all mix by filters, none by attention.
There is no activation behind the large filter between stages, as in the authors' code.
"""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from .blocks import person
from .card import Card, Published
from .heads import SeparableUNet
from .mobileone import Branches, Excite, folded, fused, unit
from .network import Network

WIDTHS = (48, 96, 192, 384)  # T8, at strides 4, 8, 16, 32
BLOCKS = (2, 2, 4, 2)
EXPAND = 3


class RepMixer(nn.Module):
    """A token and its neighbours, x + scale (mix(x) - norm(x)): (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = Branches(channels, channels, (3, 1), groups=channels)
        self.norm = nn.BatchNorm2d(channels)
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * (self.mix(x) - self.norm(x))

    @torch.no_grad()
    def fuse(self) -> nn.Conv2d:
        """All of that is one depthwise filter."""
        conv = self.mix.fuse()
        one = unit(conv.weight)
        weight, bias = folded(one, self.norm, conv.kernel_size[0])
        scale = self.scale[..., None]
        old = cast(Tensor, conv.bias)
        conv.weight.copy_(one + scale * (conv.weight - weight))
        old.copy_(scale.flatten() * (old - bias))
        return conv


class Block(nn.Module):
    """Fig. 2: mix tokens, then a feed-forward net that begins with a depthwise 7x7."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mixer = RepMixer(channels)
        self.feed = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, EXPAND * channels, kernel_size=1),
            nn.GELU(),
            nn.Conv2d(EXPAND * channels, channels, kernel_size=1),
        )
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.mixer(x)
        return x + self.scale * self.feed(x)


class PatchEmbedding(nn.Sequential):
    """Depthwise 7x7 beside 3x3 at stride 2, then pointwise: half the size, twice the channels."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            Branches(c_in, c_out, (7, 3), stride=2, groups=c_in), Branches(c_out, c_out, (1,)), nn.GELU()
        )


class Trunk(nn.Module):
    """Fig. 2: (N, 3, H, W) -> [s2, s4, s8, s16, s32], their widths in `channels`."""

    def __init__(self) -> None:
        super().__init__()
        c = WIDTHS[0]
        self.channels = [c, *WIDTHS]
        stem = nn.Sequential(Branches(3, c, (3, 1), stride=2), nn.GELU())
        second = [
            *(Branches(c, c, (3, 1), stride=2, groups=c), nn.GELU()),
            *(Branches(c, c, (1,)), nn.GELU()),
        ]
        self.stages = nn.ModuleList([stem, nn.Sequential(*second, *blocks(c, BLOCKS[0]))])
        for (c_in, c_out), n in zip(pairwise(WIDTHS), BLOCKS[1:], strict=True):
            self.stages.append(nn.Sequential(PatchEmbedding(c_in, c_out), *blocks(c_out, n)))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def blocks(channels: int, n: int) -> list[Block]:
    return [Block(channels) for _ in range(n)]


class Classifier(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        c = WIDTHS[-1]
        self.trunk = Trunk()
        self.last = nn.Sequential(Branches(c, 2 * c, (3, 1), groups=c), Excite(2 * c), nn.GELU())
        self.classifier = nn.Linear(2 * c, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.last(self.trunk(x)[-1]).mean((2, 3)))


class FastViT(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = SeparableUNet(self.trunk.channels)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.head(self.trunk(self.normalise(image))))


def build_fused() -> nn.Module:
    return fused(Classifier().eval())


def phone() -> FastViT:
    return FastViT().deploy()


CARDS = (Card("fastvit", FastViT, size=(256, 256), phone=phone),)
PUBLISHED = (Published("fastvit-t8", build_fused, (3, 256, 256), 3_996_040, 685e6),)
