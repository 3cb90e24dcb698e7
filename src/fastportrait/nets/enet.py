"""ENet: early downsampling, thin bottlenecks, and a small decoder that unpools with the encoder's maxima.

Paper: A. Paszke et al., "ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation", 2016.
       https://arxiv.org/abs/1606.02147
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 8
Out:   logit (N, 1, H, W), > 0 is person
Size:  enet: 363,206 params, 472.4 M MACs at 256 x 256
       enet-encoder: 338,414 params, 406.6 M MACs at 256 x 256
Differs from the paper: two classes; the first training stage compares with the mask at the image's size, its
coarse logit enlarged, where the paper shrinks the mask; ImageNet's mean and deviation (the paper gives none).
Where the text leaves things open (biases, norms' epsilon 1e-3, which activations are PReLU, no activation
between the two halves of an asymmetric convolution nor before the sum), the layers are those of the authors'
training scripts, github.com/e-lab/ENet-training.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import person
from .card import Card, Published
from .network import Network
from .unpool import MaxPool, MaxUnpool, Place

Middle = tuple[nn.Module, ...]
Act = Callable[[int], nn.Module]


def norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-3)


def relu(channels: int) -> nn.Module:
    """What the decoder has instead of PReLU (sec. 5.1)."""
    return nn.ReLU()


class Initial(nn.Module):
    """Fig. 2a: 13 filters beside the pooled image, (N, 3, H, W) -> (N, 16, H/2, W/2)."""

    def __init__(self) -> None:
        super().__init__()
        # The paper's norm of the two together is one of each: this way the first becomes part of its filters.
        self.filters = nn.Sequential(nn.Conv2d(3, 13, 3, stride=2, padding=1), norm(13))
        self.pool = nn.Sequential(nn.MaxPool2d(2), norm(3))
        self.act = nn.PReLU(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(torch.cat([self.filters(x), self.pool(x)], dim=1))


def regular(c: int) -> Middle:
    return (nn.Conv2d(c, c, 3, padding=1),)


def dilated(c: int, rate: int) -> Middle:
    return (nn.Conv2d(c, c, 3, padding=rate, dilation=rate),)


def asymmetric(c: int) -> Middle:
    """5x5 as 1x5 and 5x1, nothing between them."""
    return nn.Conv2d(c, c, (1, 5), padding=(0, 2), bias=False), nn.Conv2d(c, c, (5, 1), padding=(2, 0))


class Extension(nn.Sequential):
    """Fig. 2b, the branch that computes: 1x1 to a quarter of the width, `middle`, 1x1 back, dropout.

    With stride 2 the first 1x1 becomes a 2x2. No activation at the end.
    """

    def __init__(
        self, c_in: int, c_out: int, middle: Callable[[int], Middle], act: Act, drop: float, stride: int = 1
    ) -> None:
        c = c_out // 4
        super().__init__(
            nn.Conv2d(c_in, c, stride, stride, bias=False),
            norm(c),
            act(c),
            *middle(c),
            norm(c),
            act(c),
            nn.Conv2d(c, c_out, kernel_size=1, bias=False),
            norm(c_out),
            nn.Dropout2d(drop),
        )


class Bottleneck(nn.Module):
    """Fig. 2b: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(
        self,
        channels: int,
        middle: Callable[[int], Middle] = regular,
        act: Act = nn.PReLU,
        drop: float = 0.1,
    ) -> None:
        super().__init__()
        self.extension = Extension(channels, channels, middle, act, drop)
        self.act = act(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.extension(x))


class Down(nn.Module):
    """Fig. 2b downsampling: (N, c_in, H, W) -> (N, c_out, H/2, W/2), and where the maxima lay.

    The main branch is pooled and gets channels of zeros.
    """

    def __init__(self, c_in: int, c_out: int, drop: float = 0.1) -> None:
        super().__init__()
        self.more = c_out - c_in
        self.pool = MaxPool()
        self.extension = Extension(c_in, c_out, regular, nn.PReLU, drop, stride=2)
        self.act = nn.PReLU(c_out)

    def forward(self, x: Tensor) -> tuple[Tensor, Place]:
        pooled, place = self.pool(x)
        return self.act(F.pad(pooled, (0, 0, 0, 0, 0, self.more)) + self.extension(x)), place


def transposed(c: int) -> Middle:
    return (nn.ConvTranspose2d(c, c, 3, stride=2, padding=1, output_padding=1),)


class Up(nn.Module):
    """Fig. 2b upsampling: (N, c_in, H/2, W/2) and the place of maxima -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(c_in, c_out, kernel_size=1, bias=False), norm(c_out))
        self.unpool = MaxUnpool()
        self.extension = Extension(c_in, c_out, transposed, relu, drop=0.0)
        self.act = nn.ReLU()

    def forward(self, x: Tensor, place: Place) -> Tensor:
        return self.act(self.unpool(self.main(x), place) + self.extension(x))


def second_stage() -> list[Bottleneck]:
    """Bottlenecks 2.1 to 2.8 of table 1, and again 3.1 to 3.8."""
    middles: list[Callable[[int], Middle]] = [
        regular,
        partial(dilated, rate=2),
        asymmetric,
        partial(dilated, rate=4),
        regular,
        partial(dilated, rate=8),
        asymmetric,
        partial(dilated, rate=16),
    ]
    return [Bottleneck(128, middle) for middle in middles]


class Encoder(nn.Module):
    """Table 1 down to stage 3: (N, 3, H, W) -> (N, 128, H/8, W/8), and the places of the two `Down`."""

    def __init__(self) -> None:
        super().__init__()
        self.initial = Initial()
        self.down1 = Down(16, 64, drop=0.01)
        self.stage1 = nn.Sequential(*(Bottleneck(64, drop=0.01) for _ in range(4)))
        self.down2 = Down(64, 128)
        self.stage2 = nn.Sequential(*second_stage())
        self.stage3 = nn.Sequential(*second_stage())

    def forward(self, x: Tensor) -> tuple[Tensor, Place, Place]:
        x, fine = self.down1(self.initial(x))
        x, coarse = self.down2(self.stage1(x))
        return self.stage3(self.stage2(x)), fine, coarse


class Decoder(nn.Module):
    """Stages 4, 5 and fullconv: (N, 128, H/8, W/8) and the places -> scores (N, classes, H, W)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.up4 = Up(128, 64)
        self.stage4 = nn.Sequential(*(Bottleneck(64, act=relu, drop=0.0) for _ in range(2)))
        self.up5 = Up(64, 16)
        self.stage5 = Bottleneck(16, act=relu, drop=0.0)
        self.score = nn.ConvTranspose2d(16, classes, kernel_size=2, stride=2)

    def forward(self, x: Tensor, fine: Place, coarse: Place) -> Tensor:
        x = self.stage4(self.up4(x, coarse))
        return self.score(self.stage5(self.up5(x, fine)))


class ENet(nn.Module):
    """As published: image (N, 3, H, W), normalised -> scores (N, classes, H, W).

    The helper is the first training stage's classifier, which the paper's 0.37 M include.
    """

    def __init__(self, classes: int = 20) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.decoder = Decoder(classes)
        self.helpers = nn.ModuleDict({"encoder": nn.Conv2d(128, classes, kernel_size=1)})

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(*self.trunk(x))


class ENetPortrait(Network):
    """`ENet` with two classes: the second stage of training, and what the phone runs."""

    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.decoder = Decoder(classes=2)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(*self.trunk(self.normalise(image))))


class ENetEncoder(Network):
    """The first stage of training: the encoder under a coarse classifier."""

    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.score = nn.Conv2d(128, 2, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        x, _, _ = self.trunk(self.normalise(image))
        coarse = person(self.score(x))
        return F.interpolate(coarse, scale_factor=8, mode="bilinear", align_corners=False)


CARDS = (
    Card("enet", ENetPortrait, size=(256, 256)),
    Card("enet-encoder", ENetEncoder, size=(256, 256)),
)
PUBLISHED = (
    Published("enet-cityscapes", ENet, (3, 360, 640), 364_376, 1.727e9),
    Published("enet-cityscapes-both-stages", ENet, (3, 360, 640), 366_956, None, helpers=True),
    Published("enet-camvid", partial(ENet, classes=12), (3, 360, 480), 363_856, None),
)
