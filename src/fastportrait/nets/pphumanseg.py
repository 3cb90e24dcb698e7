"""PP-HumanSeg: for video calls, of shuffled channels (V1-Lite) and on MobileNetV3's first maps (V2-Lite).

Paper: L. Chu et al., "PP-HumanSeg: Connectivity-Aware Portrait Segmentation with a Large-Scale
       Teleconferencing Video Dataset", 2021. https://arxiv.org/abs/2112.07146
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16 (V1), of 64 (V2)
Out:   logit (N, 1, H, W), > 0 is person
Size:  pphumanseg-v1: 131,766 params, 103.8 M MACs at 192 x 192
       pphumanseg-v2: 921,976 params, 268.4 M MACs at 256 x 256
Differs from the paper: V1's paper does not print the widths and V2 has no paper: both follow the authors'
released configurations. V1's code builds a left branch in each block of stride 1 that it never runs; we leave
those out, and with them 95,040 of its 226,806 parameters. V2's convolutions have no bias in front of a batch
norm, and its trunk is `mobilenetv3`'s, where the authors' expands in the first block too. V2 asks for
multiples of 64, so that its pooled bins of 1, 2 and 4 divide the map; the paper's 144 x 256 is a published
build only.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, double, person, resize_to, shuffle
from .card import Card, Published
from .mobilenetv3 import LARGE, Trunk
from .network import Network

HALF = (0.5, 0.5, 0.5)


class Separable(nn.Sequential):
    """Depthwise 3x3 without an activation, then pointwise: (N, c_in, H, W) -> (N, c_out, H / stride, ...)."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__(
            ConvBNAct(c_in, c_in, stride=stride, groups=c_in, act=nn.Identity),
            ConvBNAct(c_in, c_out, kernel=1),
        )


class Halve(nn.Module):
    """V1's block of stride 2, both halves computed, then mixed: (N, c_in, H, W) -> (N, c_out, H/2, W/2)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        half = c_out // 2
        self.left = Separable(c_in, half, stride=2)
        self.right = nn.Sequential(ConvBNAct(c_in, half, kernel=1), Separable(half, half, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        return shuffle(torch.cat([self.left(x), self.right(x)], dim=1), 2)


class Keep(nn.Module):
    """V1's block of stride 1, one half passed on as it is: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.right = nn.Sequential(ConvBNAct(half, half, kernel=1), Separable(half, half))

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        return shuffle(torch.cat([left, self.right(right)], dim=1), 2)


class HumanSegV1(nn.Module):
    """V1-Lite as published: (N, 3, H, W), normalised -> scores (N, classes, H/2, W/2)."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.stem = ConvBNAct(3, 36, stride=2)
        self.shortcut = ConvBNAct(36, 18, kernel=1)
        self.s8 = nn.Sequential(Halve(36, 72), *(Keep(72) for _ in range(3)))
        self.s16 = nn.Sequential(Halve(72, 144), *(Keep(144) for _ in range(7)))
        self.narrow = Separable(144, 64)
        self.join = Separable(18 + 64, 64)
        self.score = Separable(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        s2 = self.stem(x)
        x = F.max_pool2d(s2, kernel_size=3, stride=2, padding=1)
        x = resize_to(self.narrow(self.s16(self.s8(x))), s2.shape[2:])
        return self.score(self.join(torch.cat([self.shortcut(s2), x], dim=1)))


class Context(nn.Module):
    """V2's context module: the sum of pooled copies, (N, c_in, h, w) -> (N, c_out, h, w)."""

    def __init__(self, c_in: int, c_out: int, bins: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        self.bins = bins
        self.pooled = nn.ModuleList(ConvBNAct(c_in, c_out, kernel=1) for _ in bins)
        self.project = Separable(c_out, c_out)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        parts = [
            resize_to(conv(F.adaptive_avg_pool2d(x, side)), size)
            for conv, side in zip(self.pooled, self.bins, strict=True)
        ]
        return self.project(sum(parts[1:], start=parts[0]))


class Fusion(nn.Module):
    """V2's fusion: a finer map, widened, and the coarser one, enlarged, are added and filtered."""

    def __init__(self, fine: int, coarse: int, c_out: int) -> None:
        super().__init__()
        self.widen = Separable(fine, coarse)
        self.project = Separable(coarse, c_out)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(N, fine, h, w), (N, coarse, h', w') -> (N, c_out, h, w)."""
        return self.project(self.widen(fine) + resize_to(coarse, fine.shape[2:]))


class Head(nn.Sequential):
    """(N, c_in, h, w) -> scores (N, classes, h, w)."""

    def __init__(self, c_in: int, width: int, classes: int = 2) -> None:
        super().__init__(Separable(c_in, width), nn.Conv2d(width, classes, kernel_size=1, bias=False))


class MobileSeg(nn.Module):
    """V2's decoder: 24, 40, 112 channels at strides 4, 8, 16 -> 32, 64, 128 at the same strides."""

    def __init__(self, channels: tuple[int, ...] = (24, 40, 112)) -> None:
        super().__init__()
        widths = (32, 64, 128)
        self.context = Context(channels[-1], 128)
        self.fusions = nn.ModuleList(
            Fusion(fine, coarse, width)
            for fine, coarse, width in zip(channels, (*widths[1:], 128), widths, strict=True)
        )
        self.narrow = nn.ModuleList(Separable(width, widths[0]) for width in widths[1:])
        self.last = Separable(3 * widths[0], widths[0])

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        x = self.context(features[-1])
        fused = []
        for fusion, fine in zip(reversed(self.fusions), reversed(features), strict=True):
            x = fusion(fine, x)
            fused.append(x)
        s16, s8, s4 = fused
        all_at_s4 = [
            s4,
            *(resize_to(n(y), s4.shape[2:]) for n, y in zip(self.narrow, (s8, s16), strict=True)),
        ]
        return [self.last(torch.cat(all_at_s4, dim=1)), s8, s16]


class HumanSegV2(nn.Module):
    """V2-Lite as published: (N, 3, H, W), normalised -> scores (N, classes, H/4, W/4)."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.trunk = Trunk(LARGE[:12], last=False)
        self.decoder = MobileSeg()
        self.head = Head(32, 16, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.decoder(self.trunk(x)[1:])[0])


class PortraitV1(Network):
    multiple = 16

    def __init__(self) -> None:
        super().__init__(mean=HALF, std=HALF)
        self.body = HumanSegV1()

    def forward(self, image: Tensor) -> Tensor:
        return double(person(self.body(self.normalise(image))))


class PortraitV2(Network):
    multiple = 64

    def __init__(self) -> None:
        super().__init__(mean=HALF, std=HALF)
        self.trunk = Trunk(LARGE[:12], last=False)
        self.decoder = MobileSeg()
        self.head = Head(32, 16)
        self.helpers["s8"] = Head(64, 32)
        self.helpers["s16"] = Head(128, 32)

    def forward(self, image: Tensor) -> Tensor:
        return self.mask(self.maps(image))

    def maps(self, image: Tensor) -> list[Tensor]:
        return self.decoder(self.trunk(self.normalise(image))[1:])

    def mask(self, maps: list[Tensor]) -> Tensor:
        logit = person(self.head(maps[0]))
        return F.interpolate(logit, scale_factor=4, mode="bilinear", align_corners=False)

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        maps = self.maps(image)
        return {
            "mask": self.mask(maps),
            "mask_s8": person(self.helpers["s8"](maps[1])),
            "mask_s16": person(self.helpers["s16"](maps[2])),
        }


CARDS = (
    Card("pphumanseg-v1", PortraitV1, size=(192, 192)),
    Card("pphumanseg-v2", PortraitV2, size=(256, 256)),
)
PUBLISHED = (
    Published("pphumanseg-v1", HumanSegV1, (3, 192, 192), 131_766, 104e6),
    Published("pphumanseg-v1-wide", HumanSegV1, (3, 224, 398), 131_766, 251e6),
    Published("pphumanseg-v2", HumanSegV2, (3, 144, 256), None, 151e6),  # 0.922 M; ours are 921,976
)
