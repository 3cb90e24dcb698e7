"""ESPNet: every block reduces, filters at five dilations at once and merges the results step by step.

Paper: S. Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation",
       2018. https://arxiv.org/abs/1803.06815
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 8
Out:   logit (N, 1, H, W), > 0 is person
Size:  espnet: 347,724 params, 451.6 M MACs at 256 x 256
       espnet-q3: 185,804 params, 287.8 M MACs at 256 x 256
       espnet-encoder: 344,841 params, 429.1 M MACs at 256 x 256
Differs from the paper: there the decoder is as wide as there are classes, and its ESP block splits that width
into five, which two classes cannot be; here the width is a number of its own, 5 in the portrait networks, and
only the last layer knows the classes. The projection under the decoder is then no longer the first stage's
classifier, and starts fresh. Normalised with ImageNet's statistics, not Cityscapes'. The logit of
`espnet-encoder` is enlarged to the labels, where the authors shrink the labels.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import person
from .card import Card, Published
from .network import Network

DILATIONS = (1, 2, 4, 8, 16)
EPS = 1e-3
"""Of every batch norm, as the authors' code sets it."""
CHANNELS = (16 + 3, 128 + 3, 256)
"""Of the encoder's outputs at strides 2, 4 and 8; the 3 are the picture's own."""


def up(c_in: int, c_out: int) -> nn.ConvTranspose2d:
    """(N, c_in, H, W) -> (N, c_out, 2H, 2W)."""
    return nn.ConvTranspose2d(c_in, c_out, kernel_size=2, stride=2, bias=False)


class ConvBNPReLU(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(c_out, EPS),
            nn.PReLU(c_out),
        )


class BNPReLU(nn.Sequential):
    def __init__(self, channels: int) -> None:
        super().__init__(nn.BatchNorm2d(channels, EPS), nn.PReLU(channels))


class ESP(nn.Module):
    """Fig. 1: reduce, split, transform, merge: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        n = c_out // len(DILATIONS)
        if n == 0:
            raise ValueError(
                f"an ESP block of {c_out} channels has none for each of its {len(DILATIONS)} filters"
            )
        widths = (c_out - (len(DILATIONS) - 1) * n, n, n, n, n)
        self.reduce = self.reduction(c_in, n)
        self.filters = nn.ModuleList(
            nn.Conv2d(n, width, kernel_size=3, padding=d, dilation=d, bias=False)
            for width, d in zip(widths, DILATIONS, strict=True)
        )
        self.norm = BNPReLU(c_out)

    def reduction(self, c_in: int, n: int) -> nn.Conv2d:
        return nn.Conv2d(c_in, n, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        nearest, *wider = (conv(reduced) for conv in self.filters)
        merged = [
            nearest,
            wider[0],
        ]  # the nearest stands by itself; the others add up, which hides their grid
        for filtered in wider[1:]:
            merged.append(merged[-1] + filtered)
        y = torch.cat(merged, dim=1)
        return self.norm(x + y if self.residual else y)


class DownESP(ESP):
    """The same, where the reduction strides: (N, c_in, H, W) -> (N, c_out, H/2, W/2)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(c_in, c_out, residual=False)

    def reduction(self, c_in: int, n: int) -> nn.Conv2d:
        return nn.Conv2d(c_in, n, kernel_size=3, stride=2, padding=1, bias=False)


class Encoder(nn.Module):
    """Fig. 4c: (N, 3, H, W) -> [s2, s4, s8], as wide as `CHANNELS`; `p`, `q` blocks at strides 4, 8."""

    def __init__(self, p: int, q: int) -> None:
        super().__init__()
        # The zeros around the picture count as pixels, as where the weights were trained.
        self.shrink = nn.AvgPool2d(kernel_size=3, stride=2, padding=1, count_include_pad=True)
        self.level1 = ConvBNPReLU(3, 16, stride=2)
        self.norm1 = BNPReLU(CHANNELS[0])
        self.down2 = DownESP(CHANNELS[0], 64)
        self.level2 = nn.Sequential(*(ESP(64, 64) for _ in range(p)))
        self.norm2 = BNPReLU(CHANNELS[1])
        self.down3 = DownESP(CHANNELS[1], 128)
        self.level3 = nn.Sequential(*(ESP(128, 128) for _ in range(q)))
        self.norm3 = BNPReLU(CHANNELS[2])

    def forward(self, x: Tensor) -> list[Tensor]:
        half = self.shrink(x)
        quarter = self.shrink(half)
        s2 = self.norm1(torch.cat([self.level1(x), half], dim=1))
        down = self.down2(s2)
        s4 = self.norm2(torch.cat([self.level2(down), down, quarter], dim=1))
        down = self.down3(s4)
        s8 = self.norm3(torch.cat([down, self.level3(down)], dim=1))
        return [s2, s4, s8]


class Decoder(nn.Module):
    """Fig. 4d: [s2, s4, s8] of an image (N, 3, H, W) -> scores (N, classes, H, W), `width` wide before."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        s2, s4, s8 = CHANNELS
        self.up8 = nn.Sequential(
            nn.Conv2d(s8, width, kernel_size=1, bias=False), nn.BatchNorm2d(width, EPS), up(width, width)
        )
        self.project4 = nn.Conv2d(s4, width, kernel_size=1, bias=False)
        self.merge4 = nn.Sequential(BNPReLU(2 * width), ESP(2 * width, width, residual=False))
        self.up4 = nn.Sequential(up(width, width), *BNPReLU(width))
        self.merge2 = ConvBNPReLU(s2 + width, width)
        self.score = up(width, classes)

    def forward(self, features: list[Tensor]) -> Tensor:
        s2, s4, s8 = features
        x = torch.cat([self.project4(s4), self.up8(s8)], dim=1)
        x = self.up4(self.merge4(x))
        return self.score(self.merge2(torch.cat([x, s2], dim=1)))


class Segmentation(nn.Module):
    """The published network: (N, 3, H, W) -> scores (N, classes, H, W); its decoder is `width` wide."""

    def __init__(self, p: int, q: int, classes: int, width: int) -> None:
        super().__init__()
        self.trunk = Encoder(p, q)
        self.decoder = Decoder(classes, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.trunk(x))


class EncoderSegmentation(nn.Module):
    """The published ESPNet-C: (N, 3, H, W) -> scores (N, classes, H/8, W/8)."""

    def __init__(self, p: int, q: int, classes: int) -> None:
        super().__init__()
        self.trunk = Encoder(p, q)
        self.classifier = nn.Conv2d(CHANNELS[-1], classes, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x)[-1])


class ESPNet(Network):
    multiple = 8

    def __init__(self, q: int, p: int = 2, width: int = 5) -> None:
        super().__init__()
        self.trunk = Encoder(p, q)
        self.decoder = Decoder(2, width)  # background, person

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(self.trunk(self.normalise(image))))


class ESPNetEncoder(Network):
    """ESPNet-C, the first stage: the encoder learns alone, under a coarse classifier."""

    multiple = 8

    def __init__(self, q: int, p: int = 2) -> None:
        super().__init__()
        self.trunk = Encoder(p, q)
        self.classifier = nn.Conv2d(CHANNELS[-1], 2, kernel_size=1, bias=False)  # background, person

    def forward(self, image: Tensor) -> Tensor:
        logit = person(self.classifier(self.trunk(self.normalise(image))[-1]))
        return F.interpolate(logit, scale_factor=8, mode="bilinear", align_corners=False)


CARDS = (
    Card("espnet", partial(ESPNet, q=8), size=(256, 256)),
    Card("espnet-q3", partial(ESPNet, q=3), size=(256, 256)),
    Card("espnet-encoder", partial(ESPNetEncoder, q=8), size=(256, 256)),
)
CITYSCAPES = (3, 512, 1024)
PUBLISHED = (
    Published("espnet-p2q3", partial(Segmentation, 2, 3, 20, 20), CITYSCAPES, 203_189, 3.470e9),
    Published("espnet-p2q5", partial(Segmentation, 2, 5, 20, 20), CITYSCAPES, 267_957, 3.994e9),
    Published("espnet-p2q8", partial(Segmentation, 2, 8, 20, 20), CITYSCAPES, 365_109, 4.780e9),
    Published("espnet-c-p2q3", partial(EncoderSegmentation, 2, 3, 20), CITYSCAPES, 187_529, 2.159e9),
    Published("espnet-c-p2q5", partial(EncoderSegmentation, 2, 5, 20), CITYSCAPES, 252_297, 2.684e9),
    Published("espnet-c-p2q8", partial(EncoderSegmentation, 2, 8, 20), CITYSCAPES, 349_449, 3.470e9),
)
