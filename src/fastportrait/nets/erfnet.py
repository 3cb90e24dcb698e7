"""ERFNet: residual blocks whose 3x3 filters are factorised into 3x1 and 1x3, between a thin way down and up.

Paper: E. Romera et al., "ERFNet: Efficient Residual Factorized ConvNet for Real-time Semantic Segmentation",
       2017. https://doi.org/10.1109/TITS.2017.2750080
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 8
Out:   logit (N, 1, H, W), > 0 is person
Size:  erfnet: 2,063,086 params, 3307.7 M MACs at 256 x 256
       erfnet-half: 519,054 params, 828.2 M MACs at 256 x 256
       erfnet-encoder: 1,874,302 params, 2689.3 M MACs at 256 x 256
Differs from the paper: pictures are normalised with ImageNet's mean and deviation (the authors only scale
them to [0, 1]). The 1x1 classifier that the encoder is trained with first belongs to `erfnet-encoder` alone;
its logit is enlarged to the labels, where the authors shrink the labels to it. `erfnet-half` is ours.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import person
from .card import Card, Published
from .network import Network

Widths = tuple[int, int, int]

WIDTHS: Widths = (16, 64, 128)
"""Channels at strides 2, 4 and 8 (table I)."""
EPS = 1e-3
"""Of every batch norm, as the authors' code sets it."""


class NonBottleneck1D(nn.Module):
    """Fig. 2c: two 3x3 filters, each as 3x1 and 1x3, the second dilated: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int, dropout: float = 0.0, dilation: int = 1) -> None:
        super().__init__()

        def pair(d: int) -> list[nn.Module]:
            return [
                nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1)),
                nn.ReLU(),
                nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d)),
                nn.BatchNorm2d(channels, EPS),
            ]

        self.body = nn.Sequential(*pair(1), nn.ReLU(), *pair(dilation), nn.Dropout2d(dropout))

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.body(x)).relu()


class Downsampler(nn.Module):
    """Strided filters beside the pooled input: (N, c_in, H, W) -> (N, c_out, H/2, W/2)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(c_in, c_out - c_in, kernel_size=3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.norm = nn.BatchNorm2d(c_out, EPS)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(torch.cat([self.filter(x), self.pool(x)], dim=1)).relu()


class Upsampler(nn.Sequential):
    """A transposed convolution: (N, c_in, H, W) -> (N, c_out, 2H, 2W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(c_in, c_out, kernel_size=3, stride=2, padding=1, output_padding=1),
            nn.BatchNorm2d(c_out, EPS),
            nn.ReLU(),
        )


class Encoder(nn.Sequential):
    """Table I, layers 1 to 16: (N, 3, H, W) -> (N, C, H/8, W/8)."""

    def __init__(self, widths: Widths = WIDTHS) -> None:
        s2, s4, s8 = widths
        super().__init__(
            Downsampler(3, s2),
            Downsampler(s2, s4),
            *(NonBottleneck1D(s4, dropout=0.03) for _ in range(5)),
            Downsampler(s4, s8),
            *(NonBottleneck1D(s8, dropout=0.3, dilation=d) for d in (2, 4, 8, 16) * 2),
        )


class Decoder(nn.Sequential):
    """Table I, layers 17 to 23: (N, C, H/8, W/8) -> scores (N, classes, H, W)."""

    def __init__(self, classes: int, widths: Widths = WIDTHS) -> None:
        s2, s4, s8 = widths
        super().__init__(
            Upsampler(s8, s4),
            NonBottleneck1D(s4),
            NonBottleneck1D(s4),
            Upsampler(s4, s2),
            NonBottleneck1D(s2),
            NonBottleneck1D(s2),
            nn.ConvTranspose2d(s2, classes, kernel_size=2, stride=2),
        )


class Segmentation(nn.Module):
    """The published network: (N, 3, H, W) -> scores (N, classes, H, W).

    Its helper is the encoder's own classifier, which the authors' counts hold, used or not.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.decoder = Decoder(classes)
        self.helpers = nn.ModuleDict({"classifier": nn.Conv2d(WIDTHS[-1], classes, kernel_size=1)})

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.trunk(x))


class EncoderSegmentation(nn.Module):
    """The published first stage: (N, 3, H, W) -> scores (N, classes, H/8, W/8)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.classifier = nn.Conv2d(WIDTHS[-1], classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x))


class ERFNet(Network):
    multiple = 8

    def __init__(self, widths: Widths = WIDTHS) -> None:
        super().__init__()
        self.trunk = Encoder(widths)
        self.decoder = Decoder(2, widths)  # background, person

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(self.trunk(self.normalise(image))))


class ERFNetEncoder(Network):
    """The first stage: the encoder learns alone, under a coarse classifier."""

    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.classifier = nn.Conv2d(WIDTHS[-1], 2, kernel_size=1)  # background, person

    def forward(self, image: Tensor) -> Tensor:
        logit = person(self.classifier(self.trunk(self.normalise(image))))
        return F.interpolate(logit, scale_factor=8, mode="bilinear", align_corners=False)


CARDS = (
    Card("erfnet", ERFNet, size=(256, 256)),
    Card("erfnet-half", partial(ERFNet, (8, 32, 64)), size=(256, 256)),
    Card("erfnet-encoder", ERFNetEncoder, size=(256, 256)),
)
CITYSCAPES = (3, 512, 1024)
PUBLISHED = (
    Published("erfnet-20", partial(Segmentation, 20), CITYSCAPES, 2_066_836, 26.61e9, helpers=True),
    Published("erfnet-19", partial(Segmentation, 19), CITYSCAPES, 2_066_642, None, helpers=True),
    Published("erfnet-2", partial(Segmentation, 2), (3, 256, 256), 2_063_344, 3.31e9, helpers=True),
    Published("erfnet-encoder-20", partial(EncoderSegmentation, 20), CITYSCAPES, 1_876_624, 21.5e9),
)
