"""ShuffleNet: pointwise convolutions in groups, and a channel shuffle so that the groups hear each other.

Paper: X. Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices",
       2017. https://arxiv.org/abs/1707.01083
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person; the published classifier: class scores (N, classes)
Size:  shufflenetv1: 1,036,770 params, 306.7 M MACs at 256 x 256
Differs from the paper: the paper classifies; the portrait network puts a U-Net's path up with separable
filters on the trunk. The paper does not give the stem's widths at other scales than 1x, nor whether the
classifier has a bias: both are as in the authors' release. That release shuffles behind the depthwise filter,
here it is before it as in fig. 2: the same functions, but its weights would have to be permuted.
"""

from functools import partial

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct, person, shuffle
from .card import Card, Published
from .heads import SeparableUNet
from .network import Network

WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Channels of stage 2 by the number of groups (table 1, scale 1x); each later stage has twice as many."""
REPEATS = (4, 8, 4)
"""Units in stages 2, 3, 4 (table 1)."""


class Branch(nn.Module):
    """Fig. 2: pointwise in groups, shuffle, depthwise 3x3 without activation, pointwise in groups, linear."""

    def __init__(self, c_in: int, c_mid: int, c_out: int, stride: int, groups: int, first: int) -> None:
        """`first`: groups of the first pointwise convolution."""
        super().__init__()
        self.groups = groups
        self.reduce = ConvBNAct(c_in, c_mid, kernel=1, groups=first)
        self.filter = ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid, act=nn.Identity)
        self.expand = ConvBNAct(c_mid, c_out, kernel=1, groups=groups, act=nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        return self.expand(self.filter(shuffle(self.reduce(x), self.groups)))


class Unit(nn.Module):
    """Fig. 2 (b): the branch on top of its input: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.branch = Branch(channels, channels // 4, channels, 1, groups, first=groups)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.branch(x)).relu()


class Down(nn.Module):
    """Fig. 2 (c): the branch beside its averaged input: (N, c_in, H, W) -> (N, c_out, H / 2, W / 2)."""

    def __init__(self, c_in: int, c_out: int, groups: int, first: int) -> None:
        super().__init__()
        self.branch = Branch(c_in, c_out // 4, c_out - c_in, 2, groups, first)
        self.average = nn.AvgPool2d(3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.average(x), self.branch(x)], dim=1).relu()


class Trunk(nn.Module):
    """Table 1 without the classifier: (N, 3, H, W) -> [s2, s4, s8, s16, s32], their widths in `channels`."""

    channels: list[int]

    def __init__(self, groups: int = 3, stem: int = 24, scale: float = 1.0) -> None:
        super().__init__()
        widths = [int(WIDTHS[groups] * scale) << i for i in range(len(REPEATS))]
        self.stem = ConvBNAct(3, stem, stride=2)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.channels = [stem, stem, *widths]
        stages = []
        for c_in, c_out, repeats in zip(self.channels[1:], widths, REPEATS, strict=False):
            first = 1 if c_in == stem else groups  # the stem's channels are too few to group (sec. 3.3)
            units = [Down(c_in, c_out, groups, first), *(Unit(c_out, groups) for _ in range(repeats - 1))]
            stages.append(nn.Sequential(*units))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [self.stem(x)]
        features.append(self.pool(features[0]))
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features


class ShuffleNetV1(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, groups: int = 3, stem: int = 24, scale: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        self.trunk = Trunk(groups, stem, scale)
        self.classifier = nn.Linear(self.trunk.channels[-1], classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x)[-1].mean((2, 3)))


class ShuffleNetV1UNet(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = SeparableUNet(self.trunk.channels)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.head(self.trunk(self.normalise(image))))


CARDS = (Card("shufflenetv1", ShuffleNetV1UNet, size=(256, 256)),)
IMAGE = (3, 224, 224)
PUBLISHED = (
    # Table 1, and table 5 for the scales; the integers are those of the authors' release.
    Published("shufflenetv1-1-g1", partial(ShuffleNetV1, groups=1), IMAGE, None, 143e6),
    Published("shufflenetv1-1-g2", partial(ShuffleNetV1, groups=2), IMAGE, None, 140e6),
    Published("shufflenetv1-1-g3", partial(ShuffleNetV1, groups=3), IMAGE, 1_864_728, 137e6),
    Published("shufflenetv1-1-g4", partial(ShuffleNetV1, groups=4), IMAGE, None, 133e6),
    Published("shufflenetv1-1-g8", partial(ShuffleNetV1, groups=8), IMAGE, 2_433_768, 137e6),
    Published("shufflenetv1-0.5-g3", partial(ShuffleNetV1, 3, 12, 0.5), IMAGE, 717_324, 38e6),
    Published("shufflenetv1-1.5-g3", partial(ShuffleNetV1, 3, 24, 1.5), IMAGE, 3_441_168, 292e6),
    Published("shufflenetv1-2-g3", partial(ShuffleNetV1, 3, 48, 2.0), IMAGE, 5_449_776, 524e6),
    Published("shufflenetv1-2-g8", partial(ShuffleNetV1, 8, 48, 2.0), IMAGE, 6_521_232, 521.94e6),
)
