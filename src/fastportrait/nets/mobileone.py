"""MobileOne: many branches while it learns, one plain convolution for each of their sums on the phone.

Paper: P. K. A. Vasu et al., "MobileOne: An Improved One millisecond Mobile Backbone", 2022.
       https://arxiv.org/abs/2206.04040
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person; the classifier: scores (N, classes)
Size:  mobileone: 4,383,578 params, 1508.5 M MACs at 256 x 256
       as it trains; deploy() gives the trunk the size that the paper prints
Differs from the paper: the trunk stands under a separable U-Net (heads.py); the paper uses DeepLabv3.
"""

from functools import partial, reduce
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .blocks import person
from .card import Card, Published
from .heads import SeparableUNet
from .network import Network

BLOCKS = (2, 8, 10, 1)  # at strides 4, 8, 16, 32
S0 = (48, 128, 256, 1024)  # the widths of these
S1 = (96, 192, 512, 1280)
S4 = (192, 448, 896, 2048)


class Branches(nn.Module):
    """Fig. 3: square filters side by side, and the input itself where shapes allow, each with its own batch
    norm; their sum. (N, c_in, H, W) -> (N, c_out, H / stride, W / stride).

    All of this is linear in the input: `fuse()` makes one convolution of it.
    """

    def __init__(
        self, c_in: int, c_out: int, sides: tuple[int, ...], stride: int = 1, groups: int = 1
    ) -> None:
        """`sides` of the filters, the largest first."""
        super().__init__()
        self.filters = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(c_in, c_out, side, stride, side // 2, groups=groups, bias=False),
                nn.BatchNorm2d(c_out),
            )
            for side in sides
        )
        self.input = nn.BatchNorm2d(c_in) if c_in == c_out and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        seen = reduce(torch.add, [branch(x) for branch in self.filters])
        return seen if self.input is None else seen + self.input(x)

    @torch.no_grad()
    def fuse(self) -> nn.Conv2d:
        """A small filter is a large one with zeros around it; the input is a filter that holds a single 1."""
        pairs = [
            (cast(nn.Conv2d, branch[0]), cast(nn.BatchNorm2d, branch[1]))
            for branch in cast(list[nn.Sequential], self.filters)
        ]
        largest = pairs[0][0]
        fused = nn.Conv2d(
            largest.in_channels,
            largest.out_channels,
            largest.kernel_size[0],
            largest.stride[0],
            largest.padding[0],
            groups=largest.groups,
            device=largest.weight.device,
        )
        weights = [(conv.weight, norm) for conv, norm in pairs]
        if self.input is not None:
            weights.append((unit(largest.weight), self.input))
        parts = [folded(weight, norm, largest.kernel_size[0]) for weight, norm in weights]
        fused.weight.copy_(reduce(torch.add, [weight for weight, _ in parts]))
        cast(Tensor, fused.bias).copy_(reduce(torch.add, [bias for _, bias in parts]))
        return fused


def unit(like: Tensor) -> Tensor:
    """The filter (c_out, c_in / groups, k, k) that gives back its input."""
    one, side = torch.zeros_like(like), like.shape[-1]
    channel = torch.arange(like.shape[0], device=like.device)
    one[channel, channel % like.shape[1], side // 2, side // 2] = 1
    return one


def folded(weight: Tensor, norm: nn.BatchNorm2d, side: int) -> tuple[Tensor, Tensor]:
    """A filter with the batch norm behind it, as a filter of `side` and a bias."""
    mean, var = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    weight, bias = fuse_conv_bn_weights(weight, None, mean, var, norm.eps, norm.weight, norm.bias)
    return F.pad(weight, [(side - weight.shape[-1]) // 2] * 4), bias


class Excite(nn.Module):
    """Squeeze and excitation to a sixteenth of the channels: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            nn.Conv2d(channels, channels // 16, kernel_size=1),
            nn.ReLU(),
            nn.Conv2d(channels // 16, channels, kernel_size=1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.dense(x.mean((2, 3), keepdim=True))


class Block(nn.Sequential):
    """Depthwise 3x3, then pointwise, each over-parameterised `overload` times."""

    def __init__(self, c_in: int, c_out: int, stride: int, overload: int, excited: bool) -> None:
        super().__init__(
            Branches(c_in, c_in, (3,) * overload + (1,), stride, groups=c_in),
            Excite(c_in) if excited else nn.Identity(),
            nn.ReLU(),
            Branches(c_in, c_out, (1,) * overload),
            Excite(c_out) if excited else nn.Identity(),
            nn.ReLU(),
        )


class Trunk(nn.Module):
    """(N, 3, H, W) -> [s2, s4, s8, s16, s32], their widths in `channels`."""

    def __init__(
        self, widths: tuple[int, ...], overload: int = 1, excited: tuple[int, ...] = (0, 0, 0, 0)
    ) -> None:
        """`excited`: how many blocks of a stage, the last ones, have squeeze and excitation."""
        super().__init__()
        first = min(64, widths[0])
        self.channels = [first, *widths]
        self.stages = nn.ModuleList([nn.Sequential(Branches(3, first, (3, 1), stride=2), nn.ReLU())])
        for (c_in, c_out), n, last in zip(pairwise(self.channels), BLOCKS, excited, strict=True):
            self.stages.append(
                nn.Sequential(
                    *(
                        Block(c_out if i else c_in, c_out, 1 if i else 2, overload, excited=i >= n - last)
                        for i in range(n)
                    )
                )
            )

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class Classifier(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, 1000)."""

    def __init__(
        self, widths: tuple[int, ...], overload: int = 1, excited: tuple[int, ...] = (0, 0, 0, 0)
    ) -> None:
        super().__init__()
        self.trunk = Trunk(widths, overload, excited)
        self.classifier = nn.Linear(widths[-1], 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x)[-1].mean((2, 3)))


class MobileOne(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(S0, overload=4)
        self.head = SeparableUNet(self.trunk.channels)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.head(self.trunk(self.normalise(image))))


def fused(net: nn.Module) -> nn.Module:
    """`net` itself, with every block that has a `fuse()` in the form it runs in: what the paper counts."""
    for name, child in net.named_children():
        fuse = getattr(child, "fuse", None)
        if fuse is not None:
            setattr(net, name, fuse())
        else:
            fused(child)
    return net


def build_fused(
    widths: tuple[int, ...], overload: int = 1, excited: tuple[int, ...] = (0, 0, 0, 0)
) -> nn.Module:
    return fused(Classifier(widths, overload, excited).eval())


def phone() -> MobileOne:
    return MobileOne().deploy()


CARDS = (Card("mobileone", MobileOne, size=(256, 256), phone=phone),)
PUBLISHED = (
    # Those without an integer are known as 5.29 M, 4.765 M and 14.84 M.
    Published("mobileone-s0", partial(build_fused, S0, overload=4), (3, 224, 224), 2_078_504, 275.1e6),
    Published("mobileone-s0-training", partial(Classifier, S0, overload=4), (3, 224, 224), None, 1.05e9),
    Published("mobileone-s1", partial(build_fused, S1), (3, 224, 224), None, 825.1e6),
    Published("mobileone-s4", partial(build_fused, S4, excited=(0, 0, 5, 1)), (3, 224, 224), None, 2.979e9),
)
