"""ShuffleNetV2: half of the channels pass by, half are filtered, a shuffle mixes them.

Paper: N. Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", 2018.
       https://arxiv.org/abs/1807.11164
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16
Out:   logit (N, 1, H, W), > 0 is person; the published classifier: class scores (N, classes)
Size:  shufflenetv2: 895,952 params, 258.0 M MACs at 256 x 256
Differs from the paper: the paper classifies. S. Türkmen and J. Heikkilä ("An Efficient Solution for Semantic
Segmentation", 2019, https://arxiv.org/abs/1902.07476) put DeepLab's heads on its last stage, dilated instead
of strided. The stage is dilated here too, but the head is MobileNetV3's (`heads.LRASPP`), which also gates by
what the whole picture shows, and adds the map at stride 8: an outline at stride 16 is too coarse for a
portrait. The layer `conv5`, which serves the classifier, is left out.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person, shuffle
from .card import Card, Published
from .checkpoints import renamed
from .heads import LRASPP
from .network import Network

Widths = tuple[int, int, int, int]

WIDTHS: dict[float, Widths] = {
    # Channels of stages 2, 3, 4 and of conv5 (table 5)
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
REPEATS = (4, 8, 4)
"""Units in stages 2, 3, 4 (table 5)."""


def branch(c_in: int, c_out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Fig. 3, right: pointwise, depthwise 3x3 without activation, pointwise."""
    return nn.Sequential(
        ConvBNAct(c_in, c_out, kernel=1),
        ConvBNAct(c_out, c_out, stride=stride, groups=c_out, dilation=dilation, act=nn.Identity),
        ConvBNAct(c_out, c_out, kernel=1),
    )


class Unit(nn.Module):
    """Fig. 3 (c): one half passes by: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.right = branch(channels // 2, channels // 2, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        return shuffle(torch.cat([left, self.right(right)], dim=1), 2)


class Down(nn.Module):
    """Fig. 3 (d): two filtered branches: (N, c_in, H, W) -> (N, c_out, H / stride, W / stride)."""

    def __init__(self, c_in: int, c_out: int, stride: int = 2) -> None:
        super().__init__()
        self.left = nn.Sequential(
            ConvBNAct(c_in, c_in, stride=stride, groups=c_in, act=nn.Identity),
            ConvBNAct(c_in, c_out // 2, kernel=1),
        )
        self.right = branch(c_in, c_out // 2, stride)

    def forward(self, x: Tensor) -> Tensor:
        return shuffle(torch.cat([self.left(x), self.right(x)], dim=1), 2)


class Trunk(nn.Module):
    """Table 5 up to stage 4: (N, 3, H, W) -> [s2, s4, s8, s16, s32], their widths in `channels`.

    With `dilated`, stage 4 stays at stride 16 and its filters reach twice as far; the weights are the same.
    """

    channels: list[int]

    def __init__(self, widths: Widths = WIDTHS[1.0], dilated: bool = False) -> None:
        super().__init__()
        self.stem = ConvBNAct(3, 24, stride=2)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.channels = [24, 24, *widths[:3]]
        strides, dilations = (2, 2, 1 if dilated else 2), (1, 1, 2 if dilated else 1)
        self.stages = nn.ModuleList(
            nn.Sequential(Down(c_in, c_out, stride), *(Unit(c_out, dilation) for _ in range(repeats - 1)))
            for c_in, c_out, repeats, stride, dilation in zip(
                self.channels[1:], widths[:3], REPEATS, strides, dilations, strict=False
            )
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [self.stem(x)]
        features.append(self.pool(features[0]))
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features


class ShuffleNetV2(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, scale: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        widths = WIDTHS[scale]
        self.trunk = Trunk(widths)
        self.conv5 = ConvBNAct(widths[2], widths[3], kernel=1)
        self.classifier = nn.Linear(widths[3], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.conv5(self.trunk(x)[-1]).mean((2, 3)))


class ShuffleNetV2Portrait(Network):
    multiple = 16

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(dilated=True)
        *_, s8, _, s16 = self.trunk.channels
        self.head = LRASPP(s8, s16)

    def forward(self, image: Tensor) -> Tensor:
        *_, s8, _, s16 = self.trunk(self.normalise(image))
        logit = person(self.head(s8, s16))
        return F.interpolate(logit, scale_factor=8, mode="bilinear", align_corners=False)


CARDS = (Card("shufflenetv2", ShuffleNetV2Portrait, size=(256, 256)),)
PUBLISHED = (
    # Table 8 prints FLOPs that run about 1 % above the convolutions' alone.
    Published("shufflenetv2-0.5", partial(ShuffleNetV2, 0.5), (3, 224, 224), 1_366_792, 41e6),
    Published("shufflenetv2-1.0", partial(ShuffleNetV2, 1.0), (3, 224, 224), 2_278_604, 146e6),
    Published("shufflenetv2-1.5", partial(ShuffleNetV2, 1.5), (3, 224, 224), 3_503_624, 299e6),
    Published("shufflenetv2-2.0", partial(ShuffleNetV2, 2.0), (3, 224, 224), 7_393_996, 591e6),
)


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in torchvision's layout -> `ShuffleNetV2`'s names.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    return renamed(state, _torchvision_places(), "a ShuffleNetV2 in torchvision's layout")


def _torchvision_places() -> dict[str, str]:
    """Layer names there -> here: there a branch is one flat list, here a list of convolutions with norms."""
    flat = {
        "left": ("branch1", ((0, "0.0"), (1, "0.1"), (2, "1.0"), (3, "1.1"))),
        "right": ("branch2", ((0, "0.0"), (1, "0.1"), (3, "1.0"), (4, "1.1"), (5, "2.0"), (6, "2.1"))),
    }
    places = {"fc": "classifier"}
    for i in (0, 1):
        places |= {f"conv1.{i}": f"trunk.stem.{i}", f"conv5.{i}": f"conv5.{i}"}
    for stage, repeats in enumerate(REPEATS):
        for unit in range(repeats):
            for side in ("left", "right") if unit == 0 else ("right",):
                there, layers = flat[side]
                places |= {
                    f"stage{stage + 2}.{unit}.{there}.{i}": f"trunk.stages.{stage}.{unit}.{side}.{j}"
                    for i, j in layers
                }
    return places
