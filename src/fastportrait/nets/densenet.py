"""DenseNet: each layer reads what all earlier layers of its block wrote; the trunk of DenseASPP.

Paper: G. Huang et al., "Densely Connected Convolutional Networks", 2016.
       https://arxiv.org/abs/1608.06993
In:    image (N, 3, H, W), normalised; H and W multiples of the trunk's stride
Out:   class scores (N, classes), or from the trunk what its last block wrote
Size:  7,978,856 params, 2834.2 M MACs at 224 x 224 with 1000 classes for DenseNet-121
Differs from the paper: for masks, the pools behind block 2 or 3 can be left out and the blocks behind them
dilated instead, as DenseASPP does it; the weights stay the same.
"""

import re
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .card import Card, Published
from .checkpoints import renamed


class Depth(NamedTuple):
    """A column of table 1."""

    layers: tuple[int, int, int, int]
    growth: int
    stem: int


D121 = Depth((6, 12, 24, 16), growth=32, stem=64)
D161 = Depth((6, 12, 36, 24), growth=48, stem=96)
D169 = Depth((6, 12, 32, 32), growth=32, stem=64)
D201 = Depth((6, 12, 48, 32), growth=32, stem=64)

# By the trunk's stride: which transitions pool, and each block's dilation (DenseASPP's for 8 and 16).
STRIDES = {
    32: ((True, True, True), (1, 1, 1, 1)),
    16: ((True, True, False), (1, 1, 1, 2)),
    8: ((True, False, False), (1, 1, 2, 4)),
}


class DenseLayer(nn.Module):
    """Sec. 3, "bottleneck": (N, c_in, H, W) -> (N, c_in + growth, H, W), the new channels last."""

    def __init__(self, c_in: int, growth: int, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(c_in),
            nn.ReLU(),
            nn.Conv2d(c_in, 4 * growth, kernel_size=1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, kernel_size=3, padding=dilation, dilation=dilation, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], dim=1)


class Transition(nn.Sequential):
    """Sec. 3, "compression" by a half: (N, C, H, W) -> (N, C / 2, H / 2, W / 2), or unpooled."""

    def __init__(self, channels: int, pool: bool = True) -> None:
        super().__init__(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels // 2, kernel_size=1, bias=False),
            nn.AvgPool2d(2) if pool else nn.Identity(),
        )


class Trunk(nn.Module):
    """Table 1 up to block 4: (N, 3, H, W) -> (N, channels, H / stride, W / stride), not yet normalised."""

    def __init__(self, depth: Depth = D121, stride: int = 32) -> None:
        super().__init__()
        pools, dilations = STRIDES[stride]
        c = depth.stem
        self.stem = nn.Sequential(
            nn.Conv2d(3, c, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        for n, dilation, pool in zip(depth.layers, dilations, (*pools, None), strict=True):
            layers = (DenseLayer(c + i * depth.growth, depth.growth, dilation) for i in range(n))
            self.blocks.append(nn.Sequential(*layers))
            c += n * depth.growth
            if pool is not None:
                self.transitions.append(Transition(c, pool))
                c //= 2
        self.channels = c

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block, transition in zip(
            self.blocks, self.transitions, strict=False
        ):  # the last goes on as it is
            x = transition(block(x))
        return self.blocks[-1](x)


class DenseNet(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, depth: Depth = D121, classes: int = 1000) -> None:
        super().__init__()
        self.trunk = Trunk(depth)
        self.norm = nn.BatchNorm2d(self.trunk.channels)
        self.classifier = nn.Linear(self.trunk.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.relu(self.norm(self.trunk(x))).mean((2, 3)))


CARDS: tuple[Card, ...] = ()
PUBLISHED = (
    # The paper rounds; these are the counts that torchvision states with its checkpoints.
    Published("densenet-121", DenseNet, (3, 224, 224), 7_978_856, 2.834e9),
    Published("densenet-161", partial(DenseNet, D161), (3, 224, 224), 28_681_000, 7.728e9),
    Published("densenet-169", partial(DenseNet, D169), (3, 224, 224), 14_149_480, 3.36e9),
    Published("densenet-201", partial(DenseNet, D201), (3, 224, 224), 20_013_928, 4.291e9),
)


def from_torchvision(state: dict[str, Tensor], depth: Depth = D121) -> dict[str, Tensor]:
    """A state dict in torchvision's layout -> `DenseNet`'s names.

    Its `norm5` and `classifier` stand behind the trunk, so a network that starts from the trunk takes all but
    these two. Both spellings of a layer will do, `norm1` and, as in the files, `norm.1`. Raises `ValueError`
    on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    state = {re.sub(r"\.(norm|conv)\.([12])\.", r".\1\2.", key): value for key, value in state.items()}
    return renamed(state, _torchvision_places(depth), "this DenseNet in torchvision's layout")


def _torchvision_places(depth: Depth) -> dict[str, str]:
    """Layer names there -> here."""
    places = {"features.conv0": "trunk.stem.0", "features.norm0": "trunk.stem.1"}
    for i, n in enumerate(depth.layers):
        for j in range(n):
            there, here = f"features.denseblock{i + 1}.denselayer{j + 1}", f"trunk.blocks.{i}.{j}.body"
            for place, name in ((0, "norm1"), (2, "conv1"), (3, "norm2"), (5, "conv2")):
                places[f"{there}.{name}"] = f"{here}.{place}"
        if i < 3:
            places[f"features.transition{i + 1}.norm"] = f"trunk.transitions.{i}.0"
            places[f"features.transition{i + 1}.conv"] = f"trunk.transitions.{i}.2"
    return places | {"features.norm5": "norm", "classifier": "classifier"}
