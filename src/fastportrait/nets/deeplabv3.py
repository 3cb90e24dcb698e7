"""DeepLabv3: dilated filters in parallel, and the whole picture beside them, on a trunk of chosen stride.

Paper: L.-C. Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017.
       https://arxiv.org/abs/1706.05587
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16
Out:   logit (N, 1, H, W), > 0 is person
Size:  deeplabv3: 39,043,650 params, 11949.2 M MACs at 256 x 256
       deeplabv3-os8: 39,043,650 params, 40286.3 M MACs at 256 x 256
       deeplabv3-mobilenetv2: 4,518,658 params, 1266.4 M MACs at 256 x 256
Differs from the paper: the ResNet has one 7x7 filter at its start (as the public checkpoints), where the
authors' code has three 3x3. The portrait networks have rates 3, 6, 9: at 256 x 256 the last map is 16 x 16,
and most of what the paper's rates 6, 12, 18 look at would be padding.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import mobilenetv2, resnet
from .blocks import ConvBNAct, person, resize_to
from .card import Card, Published
from .network import Network

MULTIGRID = (1, 2, 4)
"""Sec. 3.2.1: what multiplies the rates of the last stage's three blocks."""
RATES = (6, 12, 18)
PORTRAIT_RATES = (3, 6, 9)


def resnet50(output_stride: int) -> resnet.Trunk:
    return resnet.Trunk(resnet.RESNET50, output_stride, MULTIGRID)


def resnet101(output_stride: int) -> resnet.Trunk:
    return resnet.Trunk(resnet.RESNET101, output_stride, MULTIGRID)


def mobilenet(output_stride: int) -> mobilenetv2.Trunk:
    """As MobileNetV2's paper pairs it (its sec. 6.3): without multi-grid."""
    return mobilenetv2.Trunk(output_stride=output_stride)


class Atrous(ConvBNAct):
    """A 3x3 filter whose taps lie `rate` apart: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int, rate: int = 1) -> None:
        super().__init__(c_in, c_out, dilation=rate)


class ASPP(nn.Module):
    """Sec. 3.3 and fig. 5, atrous spatial pyramid pooling: (N, C, h, w) -> (N, width, h, w).

    `atrous` makes the dilated filters: `Atrous`, or DeepLabv3+'s separable ones.
    """

    def __init__(
        self,
        channels: int,
        rates: tuple[int, ...],
        width: int = 256,
        atrous: Callable[[int, int, int], nn.Module] = Atrous,
    ) -> None:
        super().__init__()
        self.here = ConvBNAct(channels, width, kernel=1)
        self.around = nn.ModuleList(atrous(channels, width, rate) for rate in rates)
        self.whole = ConvBNAct(channels, width, kernel=1)
        self.project = ConvBNAct((2 + len(rates)) * width, width, kernel=1)
        self.dropout = nn.Dropout(0.1)  # not in the paper, but in the authors' code

    def forward(self, x: Tensor) -> Tensor:
        # A map of one pixel, resized, is that pixel everywhere: expanding costs nothing.
        whole = resize_to(self.whole(x.mean((2, 3), keepdim=True)), x.shape[2:])
        branches = [self.here(x), *(branch(x) for branch in self.around), whole]
        return self.dropout(self.project(torch.cat(branches, dim=1)))


def rates_at(output_stride: int, rates: tuple[int, ...]) -> tuple[int, ...]:
    """`rates` are for stride 16; at 8 they double, so that filters see as much of the picture (sec. 3.3)."""
    return tuple(rate * 16 // output_stride for rate in rates)


def enlarge(x: Tensor, size: torch.Size) -> Tensor:
    """Bilinear to height and width `size`: by a constant factor where there is one, as on every phone; the
    paper's 513 x 513 has none."""
    factor = int(size[0]) // int(x.shape[2])  # a tracer hands out sizes as tensors
    if (factor * x.shape[2], factor * x.shape[3]) == tuple(size):
        return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    return resize_to(x, size)


class DeepLabv3(Network):
    """With more `classes` than two, a logit of each but the first against it: (N, classes - 1, H, W)."""

    multiple = 16

    def __init__(
        self,
        trunk: Callable[[int], resnet.Trunk | mobilenetv2.Trunk],
        rates: tuple[int, ...] = RATES,
        output_stride: int = 16,
        classes: int = 2,
    ) -> None:
        """`trunk` of an output stride; `rates` at stride 16. The weights do not depend on `output_stride`."""
        super().__init__()
        self.trunk = trunk(output_stride)
        self.aspp = ASPP(self.trunk.channels[-1], rates_at(output_stride, rates))
        self.score = nn.Conv2d(256, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        scores = self.score(self.aspp(self.trunk(self.normalise(image))[-1]))
        return enlarge(person(scores), image.shape[2:])


CARDS = (
    Card("deeplabv3", partial(DeepLabv3, resnet50, PORTRAIT_RATES), size=(256, 256)),
    Card("deeplabv3-os8", partial(DeepLabv3, resnet50, PORTRAIT_RATES, output_stride=8), size=(256, 256)),
    Card("deeplabv3-mobilenetv2", partial(DeepLabv3, mobilenet, PORTRAIT_RATES), size=(256, 256)),
)
PUBLISHED = (
    Published(
        "deeplabv3-resnet-101", partial(DeepLabv3, resnet101, classes=21), (3, 513, 513), 58_040_661, 71.06e9
    ),
    Published(
        "deeplabv3-resnet-101-os8",
        partial(DeepLabv3, resnet101, output_stride=8, classes=21),
        (3, 513, 513),
        58_040_661,
        246.2e9,
    ),
    Published(
        "deeplabv3-resnet-50", partial(DeepLabv3, resnet50, classes=21), (3, 513, 513), 39_048_533, 50.4e9
    ),
)
