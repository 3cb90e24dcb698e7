"""Fast-SCNN: one quick way down shared by a shallow branch for edges and a deep one for the whole.

Paper: R. P. K. Poudel et al., "Fast-SCNN: Fast Semantic Segmentation Network", 2019.
       https://arxiv.org/abs/1902.04502
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 128
Out:   logit (N, 1, H, W), > 0 is person
Size:  fastscnn: 1,127,602 params, 207.3 M MACs at 256 x 256
Differs from the paper: the portrait network pools into 1, 2 and 4 bins a side, which divide its map of 8 x 8
(the paper's 1, 2, 3 and 6 do not); the published build keeps the paper's.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, Separable, person, resize_to
from .card import Card, Published
from .network import Network


class SeparableDown(nn.Sequential):
    """Depthwise 3x3 at stride 2, then pointwise: (N, c_in, H, W) -> (N, c_out, H / 2, W / 2)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(ConvBNAct(c_in, c_in, stride=2, groups=c_in), ConvBNAct(c_in, c_out, kernel=1))


class Bottleneck(nn.Module):
    """Table 2: MobileNetV2's inverted residual, with ReLU."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        c_mid = 6 * c_in
        self.skip = stride == 1 and c_in == c_out
        self.body = nn.Sequential(
            ConvBNAct(c_in, c_mid, kernel=1),
            ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class Pyramid(nn.Module):
    """What parts of the picture show, put beside what is here: (N, 128, h, w) -> (N, 128, h, w).

    H. Zhao et al., "Pyramid Scene Parsing Network", 2016. https://arxiv.org/abs/1612.01105
    """

    def __init__(self, bins: tuple[int, ...], channels: int = 128) -> None:
        super().__init__()
        self.bins = bins
        self.parts = nn.ModuleList(ConvBNAct(channels, channels // 4, kernel=1) for _ in bins)
        self.project = ConvBNAct(channels + len(bins) * (channels // 4), channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        views = [x]
        for side, part in zip(self.bins, self.parts, strict=True):
            views.append(resize_to(part(F.adaptive_avg_pool2d(x, side)), x.shape[2:]))
        return self.project(torch.cat(views, dim=1))


class Fusion(nn.Module):
    """Table 3: the deep map, enlarged and filtered, plus the shallow one."""

    def __init__(self) -> None:
        super().__init__()
        self.deep = nn.Sequential(
            ConvBNAct(128, 128, groups=128, dilation=4),
            nn.Conv2d(128, 128, kernel_size=1),
            nn.BatchNorm2d(128),
        )
        self.shallow = nn.Sequential(nn.Conv2d(64, 128, kernel_size=1), nn.BatchNorm2d(128))

    def forward(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """(N, 64, 4 h, 4 w) and (N, 128, h, w) -> (N, 128, 4 h, 4 w)."""
        enlarged = F.interpolate(deep, scale_factor=4, mode="bilinear", align_corners=False)
        return (self.deep(enlarged) + self.shallow(shallow)).relu()


class Body(nn.Module):
    """Table 1: (N, 3, H, W) -> scores (N, classes, H / 8, W / 8), and the two maps the helpers look at."""

    def __init__(self, classes: int, bins: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.Sequential(  # learning to downsample
            ConvBNAct(3, 32, stride=2), SeparableDown(32, 48), SeparableDown(48, 64)
        )
        self.deep = nn.Sequential(  # global feature extractor
            *row(64, 64, stride=2), *row(64, 96, stride=2), *row(96, 128, stride=1), Pyramid(bins)
        )
        self.fusion = Fusion()
        self.classifier = nn.Sequential(
            Separable(128, 128), Separable(128, 128), nn.Dropout(0.1), nn.Conv2d(128, classes, kernel_size=1)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shallow = self.down(x)
        deep = self.deep(shallow)
        return self.classifier(self.fusion(shallow, deep)), shallow, deep


def row(c_in: int, c_out: int, stride: int) -> list[Bottleneck]:
    return [Bottleneck(c_in, c_out, stride), Bottleneck(c_out, c_out), Bottleneck(c_out, c_out)]


class Cityscapes(nn.Module):
    """The published build: (N, 3, H, W) -> scores (N, 19, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body(classes=19, bins=(1, 2, 3, 6))

    def forward(self, x: Tensor) -> Tensor:
        return enlarge(self.body(x)[0])


def enlarge(scores: Tensor) -> Tensor:
    return F.interpolate(scores, scale_factor=8, mode="bilinear", align_corners=False)


class FastSCNN(Network):
    multiple = 128

    def __init__(self) -> None:
        super().__init__()
        self.body = Body(classes=2, bins=(1, 2, 4))
        self.helpers["shallow"] = helper(64)  # sec. 4.1: losses on both branches, weighed 0.4
        self.helpers["deep"] = helper(128)

    def forward(self, image: Tensor) -> Tensor:
        return enlarge(person(self.body(self.normalise(image))[0]))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        scores, shallow, deep = self.body(self.normalise(image))
        return {
            "mask": enlarge(person(scores)),
            "mask_shallow": person(self.helpers["shallow"](shallow)),
            "mask_deep": person(self.helpers["deep"](deep)),
        }


def helper(channels: int) -> nn.Module:
    return nn.Sequential(ConvBNAct(channels, 32), nn.Dropout(0.1), nn.Conv2d(32, 2, kernel_size=1))


CARDS = (Card("fastscnn", FastSCNN, size=(256, 256), smallest=(128, 128)),)
PUBLISHED = (
    # The integer is not printed anywhere: the port's count rounds to 1.138 M, the paper says 1.11 M.
    Published("fastscnn", Cityscapes, (3, 1024, 2048), None, 6.71e9),
)
