"""U-Net: a path down, a path up, and at every scale the fine features laid beside the coarse ones.

Paper: O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical Image
       Segmentation", 2015. https://arxiv.org/abs/1505.04597
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16
Out:   logit (N, 1, H, W), > 0 is person
Size:  unet: 1,942,594 params, 3033.5 M MACs at 256 x 256
       unet-64: 31,037,698 params, 48171.6 M MACs at 256 x 256
Differs from the paper: the portrait networks pad their convolutions, so that the mask has the image's size,
and normalise behind them, as is usual since; `unet` has a quarter of the widths. The published build is
fig. 1 to the layer, unpadded, without norms; the network that the authors released has a ReLU behind each
transposed convolution too, and a wider last one.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct, person
from .card import Card, Published
from .network import Network

Conv = Callable[[int, int], nn.Module]


class Unpadded(nn.Sequential):
    """The paper's 3x3 convolution and ReLU: (N, c_in, H, W) -> (N, c_out, H - 2, W - 2)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(nn.Conv2d(c_in, c_out, 3), nn.ReLU())


class Padded(nn.Sequential):
    """The same with a rim of zeros: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())


class Double(nn.Sequential):
    """One scale of fig. 1: two convolutions; dropout where the path down ends (sec. 3.1)."""

    def __init__(self, c_in: int, c_out: int, conv: Conv, drop: float = 0.0) -> None:
        super().__init__(conv(c_in, c_out), conv(c_out, c_out), nn.Dropout(drop))


class Paths(nn.Module):
    """Fig. 1: (N, c_in, H, W) -> scores (N, classes, H', W'); unpadded convolutions leave H' = H - 184."""

    def __init__(self, c_in: int, classes: int, conv: Conv, base: int = 64) -> None:
        super().__init__()
        widths = [base * 2**i for i in range(5)]
        self.down = nn.ModuleList(
            Double(c_from, c, conv, drop=0.5 if i >= 3 else 0.0)
            for i, (c_from, c) in enumerate(zip([c_in, *widths], widths, strict=False))
        )
        self.pool = nn.MaxPool2d(2)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in widths[-2::-1])
        self.up = nn.ModuleList(Double(2 * c, c, conv) for c in widths[-2::-1])
        self.score = nn.Conv2d(base, classes, kernel_size=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):  # sec. 3: without norms all depends on it
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for scale in self.down[:-1]:
            skips.append(scale(x))
            x = self.pool(skips[-1])
        x = self.down[-1](x)
        for enlarge, scale in zip(self.enlarge, self.up, strict=True):
            x = enlarge(x)
            x = scale(torch.cat([_middle(skips.pop(), x.shape[2:]), x], dim=1))
        return self.score(x)


def _middle(x: Tensor, size: torch.Size) -> Tensor:
    """The middle of `x`, as large as `size`: unpadded convolutions have eaten the rim of the other."""
    if x.shape[2:] == size:
        return x
    top, left = (x.shape[2] - size[0]) // 2, (x.shape[3] - size[1]) // 2
    return x[:, :, top : top + size[0], left : left + size[1]]


class UNet(Network):
    """Padded, with batch norms and two classes; `base` channels at the image's own scale."""

    multiple = 16

    def __init__(self, base: int = 16) -> None:
        super().__init__()
        self.paths = Paths(3, 2, ConvBNAct, base)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.paths(self.normalise(image)))


CARDS = (
    Card("unet", UNet, size=(256, 256)),
    Card("unet-64", partial(UNet, base=64), size=(256, 256)),
)
PUBLISHED = (
    Published("unet-paper", partial(Paths, 1, 2, Unpadded), (1, 572, 572), 31_030_658, 150.43e9),
    Published("unet-padded", partial(Paths, 3, 2, Padded), (3, 256, 256), 31_031_810, 48.17e9),
    Published("unet-padded-norms", partial(Paths, 3, 2, ConvBNAct), (3, 256, 256), 31_037_698, 48.17e9),
)
