"""ICNet: a deep network sees a quarter of the picture's resolution, shallow ones half of it and all of it.

Paper: H. Zhao et al., "ICNet for Real-Time Semantic Segmentation on High-Resolution Images", 2018.
       https://arxiv.org/abs/1704.08545
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 256
Out:   logit (N, 1, H, W), > 0 is person
Size:  icnet: 6,697,794 params, 3592.9 M MACs at 512 x 512
Differs from the paper: the portrait network pools to 1, 2, 4 and 8 bins a side, which divide its map, where
the paper pools to 1, 2, 3 and 6. Resizes do not align corners: the half-size picture and the half-size map
are means of 2 x 2 (the authors' aligned resize picks every second pixel). It is built at half width from the
start, where the authors train the whole width and prune.
"""

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, double, person, resize_to
from .card import Card, Published
from .network import Network

FUSED = 128
"""Channels of both fusions."""


class Bottleneck(nn.Module):
    """ResNet's, its stride in the first 1x1 as PSPNet has it: (N, c_in, H, W) -> (N, 4 c_mid, H/s, W/s)."""

    def __init__(self, c_in: int, c_mid: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        c_out = 4 * c_mid
        self.body = nn.Sequential(
            ConvBNAct(c_in, c_mid, kernel=1, stride=stride),
            ConvBNAct(c_mid, c_mid, dilation=dilation),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )
        self.shortcut = (
            nn.Identity()
            if c_in == c_out
            else ConvBNAct(c_in, c_out, kernel=1, stride=stride, act=nn.Identity)
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.shortcut(x) + self.body(x)).relu()


def bottlenecks(c_in: int, c_mid: int, n: int, dilation: int = 1) -> list[nn.Module]:
    first = Bottleneck(c_in, c_mid, dilation=dilation)
    return [first, *(Bottleneck(4 * c_mid, c_mid, dilation=dilation) for _ in range(n - 1))]


class PyramidPooling(nn.Module):
    """PSPNet's pyramid as ICNet has it, a sum without filters: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, bins: tuple[int, ...]) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, x: Tensor) -> Tensor:
        h, w = (int(side) for side in x.shape[2:])  # a tracer hands out sizes as tensors
        y = x
        for n in self.bins:
            # Windows of one size, which overlap where n does not divide the map, as the authors deploy it.
            stride = (h // n, w // n)
            window = (h - (n - 1) * stride[0], w - (n - 1) * stride[1])
            y = y + resize_to(F.avg_pool2d(x, window, stride), x.shape[2:])
        return y


class CascadeFusion(nn.Module):
    """Fig. 3: a map of half the size, enlarged, filtered, plus a finer one."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.filter = ConvBNAct(coarse, FUSED, dilation=2, act=nn.Identity)
        self.project = ConvBNAct(fine, FUSED, kernel=1, act=nn.Identity)

    def forward(self, enlarged: Tensor, fine: Tensor) -> Tensor:
        """(N, coarse, H, W), already enlarged, and (N, fine, H, W) -> (N, 128, H, W)."""
        return (self.filter(enlarged) + self.project(fine)).relu()


class Cascade(nn.Module):
    """Fig. 2: (N, 3, H, W) -> [s4, s8, s16] with 128, 128 and `c` channels: what the classifiers see.

    `c` is 256 in the authors' release, and 512 where the deep branch is as wide as PSPNet50.
    """

    def __init__(self, bins: tuple[int, ...], c: int = 256) -> None:
        super().__init__()
        stem = c // 8
        self.sub2 = nn.Sequential(  # of the picture at half size, to stride 16
            ConvBNAct(3, stem, stride=2),
            ConvBNAct(stem, stem),
            ConvBNAct(stem, 2 * stem),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            *bottlenecks(2 * stem, c // 8, n=3),
            Bottleneck(c // 2, c // 4, stride=2),
        )
        self.sub4 = nn.Sequential(  # of that at half size, stride 32
            *bottlenecks(c, c // 4, n=3),
            *bottlenecks(c, c // 2, n=6, dilation=2),
            *bottlenecks(2 * c, c, n=3, dilation=4),
            PyramidPooling(bins),
            ConvBNAct(4 * c, c, kernel=1),
        )
        self.sub1 = nn.Sequential(  # of the whole picture, to stride 8
            ConvBNAct(3, 32, stride=2), ConvBNAct(32, 32, stride=2), ConvBNAct(32, 64, stride=2)
        )
        self.fuse24 = CascadeFusion(c, c)
        self.fuse12 = CascadeFusion(FUSED, 64)

    def forward(self, x: Tensor) -> list[Tensor]:
        sub2 = self.sub2(F.avg_pool2d(x, 2))
        s16 = double(self.sub4(F.avg_pool2d(sub2, 2)))
        s8 = double(self.fuse24(s16, sub2))
        s4 = double(self.fuse12(s8, self.sub1(x)))
        return [s4, s8, s16]


class Segmentation(nn.Module):
    """The published network: (N, 3, H, W) -> scores (N, classes, H, W); its helpers are the guidance."""

    def __init__(self, classes: int, c: int = 256) -> None:
        super().__init__()
        self.trunk = Cascade((1, 2, 3, 6), c)
        self.score = nn.Conv2d(FUSED, classes, kernel_size=1)
        self.helpers = nn.ModuleDict(
            {"s8": nn.Conv2d(FUSED, classes, kernel_size=1), "s16": nn.Conv2d(c, classes, kernel_size=1)}
        )

    def forward(self, x: Tensor) -> Tensor:
        return quadruple(self.score(self.trunk(x)[0]))


class ICNet(Network):
    multiple = 256  # 8 bins on a map of stride 32

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Cascade((1, 2, 4, 8))
        self.score = nn.Conv2d(FUSED, 2, kernel_size=1)  # background, person
        self.helpers["mask_s8"] = nn.Conv2d(FUSED, 2, kernel_size=1)  # cascade label guidance
        self.helpers["mask_s16"] = nn.Conv2d(256, 2, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        s4, _, _ = self.trunk(self.normalise(image))
        return quadruple(person(self.score(s4)))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        s4, s8, s16 = self.trunk(self.normalise(image))
        return {
            "mask": quadruple(person(self.score(s4))),
            "mask_s8": person(self.helpers["mask_s8"](s8)),
            "mask_s16": person(self.helpers["mask_s16"](s16)),
        }


def quadruple(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 4H, 4W), bilinear."""
    return F.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)


CARDS = (Card("icnet", ICNet, size=(512, 512), smallest=(256, 256)),)
CITYSCAPES = (3, 1024, 2048)
PUBLISHED = (
    Published("icnet", partial(Segmentation, 19), CITYSCAPES, 6_699_987, 29.03e9),
    Published("icnet-guided", partial(Segmentation, 19), CITYSCAPES, 6_707_321, 29.03e9, helpers=True),
    Published("icnet-full-width", partial(Segmentation, 19, 512), CITYSCAPES, None, 87.5e9),
)
