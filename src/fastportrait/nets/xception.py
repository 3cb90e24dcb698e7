"""Xception: depthwise separable filters with shortcuts, as published and as DeepLab aligned it.

Paper: F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017.
       https://arxiv.org/abs/1610.02357
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  xception: 25,217,410 params, 6779.7 M MACs at 256 x 256
Differs from the paper: it classifies and has no masks. `xception` is the aligned Xception-41 of L.-C. Chen et
al., "Encoder-Decoder with Atrous Separable Convolution", 2018 (fig. 4, https://arxiv.org/abs/1802.02611),
under U-Net's path up with separable filters. Pooling and strided filters are padded by one on every side,
where TensorFlow pads even sizes on two sides only and moves the picture by a pixel.
"""

from functools import partial

from torch import Tensor, nn

from .blocks import ConvBNAct, person
from .card import Card, Published
from .heads import SeparableUNet
from .network import Network


class Sep(nn.Sequential):
    """Sec. 3 and fig. 10: depthwise 3x3 and pointwise with nothing between, then batch norm."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False),
            nn.Conv2d(c_in, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )


class Block(nn.Module):
    """Fig. 5, a box with a strided shortcut: two separable filters, max-pool, plus 1x1 of stride 2."""

    def __init__(self, c_in: int, c_mid: int, c_out: int, first: type[nn.Module] = nn.ReLU) -> None:
        """`first`: what stands before the first filter; nothing does in the first block."""
        super().__init__()
        self.body = nn.Sequential(
            first(), Sep(c_in, c_mid), nn.ReLU(), Sep(c_mid, c_out), nn.MaxPool2d(3, stride=2, padding=1)
        )
        self.shortcut = ConvBNAct(c_in, c_out, kernel=1, stride=2, act=nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


class Middle(nn.Module):
    """Fig. 5, middle flow: three times ReLU and a separable filter, plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(layer for _ in range(3) for layer in (nn.ReLU(), Sep(channels, channels)))
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Classifier(nn.Module):
    """Fig. 5, the published classifier: (N, 3, H, W) -> (N, classes); its first two filters are unpadded."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Conv2d(3, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
            *(nn.Conv2d(32, 64, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            Block(64, 128, 128, first=nn.Identity),
            Block(128, 256, 256),
            Block(256, 728, 728),
            *(Middle(728) for _ in range(8)),
            Block(728, 728, 1024),
            *(Sep(1024, 1536), nn.ReLU(), Sep(1536, 2048), nn.ReLU()),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear(2048, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x).mean((2, 3)))


# From here on: the aligned Xception (DeepLabv3+, sec. 3.2 and fig. 4).

Row = tuple[int, int]

ENTRY: tuple[Row, ...] = ((128, 2), (256, 2), (728, 2))
"""Channels and stride of the entry flow's modules, for Xception-41 and -65."""
ENTRY71: tuple[Row, ...] = ((128, 2), (256, 1), (256, 2), (728, 1), (728, 2))


class AlignedSep(nn.Sequential):
    """ReLU, depthwise 3x3, pointwise, each filter with batch norm."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            nn.ReLU(),
            ConvBNAct(c_in, c_in, stride=stride, groups=c_in, dilation=dilation, act=nn.Identity),
            ConvBNAct(c_in, c_out, kernel=1, act=nn.Identity),
        )


class TailSep(nn.Sequential):
    """The last module's filter: ReLU behind both halves, none before."""

    def __init__(self, c_in: int, c_out: int, dilation: int) -> None:
        super().__init__(
            ConvBNAct(c_in, c_in, groups=c_in, dilation=dilation), ConvBNAct(c_in, c_out, kernel=1)
        )


class AlignedModule(nn.Module):
    """Three separable filters, the last of which may have a stride, and a shortcut."""

    def __init__(self, c_in: int, widths: tuple[int, int, int], stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        a, b, c = widths
        self.fine = nn.Sequential(AlignedSep(c_in, a, dilation=dilation), AlignedSep(a, b, dilation=dilation))
        self.last = AlignedSep(b, c, stride, dilation)
        same = stride == 1 and c_in == c
        self.shortcut = (
            nn.Identity() if same else ConvBNAct(c_in, c, kernel=1, stride=stride, act=nn.Identity)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, c_in, H, W) -> what stands before the last filter (N, b, H, W), result (N, c, H/s, W/s)."""
        fine = self.fine(x)
        return fine, self.last(fine) + self.shortcut(x)


class Trunk(nn.Module):
    """(N, 3, H, W) -> [s2, s4, s8, ...], their widths in `channels`.

    Each map is what a module has before its stride, the last is the result. At `output_stride` strides turn
    into dilations.
    """

    channels: list[int]

    def __init__(self, entry: tuple[Row, ...] = ENTRY, middle: int = 16, output_stride: int = 32) -> None:
        """`middle`: modules in the middle flow."""
        super().__init__()
        self.stem = nn.Sequential(ConvBNAct(3, 32, stride=2), ConvBNAct(32, 64))
        rows = (
            *(((c, c, c), stride) for c, stride in entry),
            *(((728, 728, 728), 1),) * middle,
            ((728, 1024, 1024), 2),
        )
        self.flow = nn.ModuleList()
        self.strided: list[bool] = []
        self.channels = []
        c_in, reached, dilation = 64, 2, 1
        for widths, wanted in rows:
            stride = wanted if reached < output_stride else 1
            self.flow.append(AlignedModule(c_in, widths, stride, dilation))
            self.strided.append(stride == 2)
            if stride == 2:
                self.channels.append(widths[1])
            c_in, reached = widths[2], reached * stride
            dilation *= wanted // stride  # from the next module on, as DeepLab's own code has it
        self.tail = nn.Sequential(
            TailSep(1024, 1536, dilation), TailSep(1536, 1536, dilation), TailSep(1536, 2048, dilation)
        )
        self.channels.append(2048)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        x = self.stem(x)
        for module, strided in zip(self.flow, self.strided, strict=True):
            fine, x = module(x)
            if strided:
                features.append(fine)
        return [*features, self.tail(x)]


class Xception(Network):
    """Xception-41 under U-Net's path up."""

    def __init__(self, middle: int = 8, classes: int = 2) -> None:
        super().__init__()
        self.trunk = Trunk(middle=middle)
        self.decoder = SeparableUNet(self.trunk.channels, classes=classes)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(self.trunk(self.normalise(image))))


CARDS = (Card("xception", Xception, size=(256, 256)),)
PUBLISHED = (
    Published("xception-classifier", Classifier, (3, 299, 299), 22_855_952, 8.357e9),
    # The aligned trunks. Their MACs are published with a classifier on top, of two million.
    Published("xception-41-trunk", partial(Trunk, middle=8), (3, 299, 299), None, 9.20e9),
    Published("xception-65-trunk", Trunk, (3, 299, 299), 37_867_312, 13.85e9),
    Published("xception-71-trunk", partial(Trunk, ENTRY71), (3, 299, 299), None, 17.95e9),
)
