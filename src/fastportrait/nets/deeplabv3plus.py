"""DeepLabv3+: DeepLabv3's pyramid under a small decoder that sees stride 4, of separable filters.

Paper: L.-C. Chen et al.,
       "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation", 2018.
       https://arxiv.org/abs/1802.02611
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16
Out:   logit (N, 1, H, W), > 0 is person
Size:  deeplabv3plus: 41,050,530 params, 12801.6 M MACs at 256 x 256
       deeplabv3plus-mobilenetv2: 2,714,930 params, 1379.8 M MACs at 256 x 256
       deeplabv3plus-phone: 2,130,162 params, 564.5 M MACs at 224 x 224
Differs from the paper: the portrait networks have rates 3, 6, 9 (as deeplabv3.py says). On MobileNetV2 the
authors' released networks leave pyramid and decoder out; `deeplabv3plus-mobilenetv2` has both, and
`deeplabv3plus-phone` has them narrower and runs at 224 x 224, for the dilated trunk alone is most of its
cost. Strided filters are padded by one on every side (as xception.py says). ResNet as in deeplabv3.py.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from . import mobilenetv2, resnet, xception
from .blocks import ConvBNAct, person
from .card import Card, Published
from .deeplabv3 import ASPP, PORTRAIT_RATES, RATES, Atrous, enlarge, mobilenet, rates_at, resnet101
from .network import Network


class AtrousSeparable(nn.Sequential):
    """Fig. 3: a dilated depthwise 3x3, then pointwise, both with batch norm and ReLU."""

    def __init__(self, c_in: int, c_out: int, rate: int = 1) -> None:
        super().__init__(ConvBNAct(c_in, c_in, groups=c_in, dilation=rate), ConvBNAct(c_in, c_out, kernel=1))


def xception65(output_stride: int) -> xception.Trunk:
    return xception.Trunk(output_stride=output_stride)


class Decoder(nn.Module):
    """Fig. 2, below: (N, c_fine, H/4, W/4) and (N, c_coarse, h, w) -> scores (N, classes, H/4, W/4)."""

    def __init__(
        self,
        c_fine: int,
        c_coarse: int,
        classes: int,
        filters: Callable[[int, int], nn.Module],
        width: int = 256,
        narrow: int = 48,
    ) -> None:
        """`narrow`: channels the fine map is cut down to, so that it does not outweigh the coarse one
        (table 1)."""
        super().__init__()
        self.fine = ConvBNAct(c_fine, narrow, kernel=1)
        self.filters = nn.Sequential(filters(narrow + c_coarse, width), filters(width, width))  # table 2
        self.score = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        x = torch.cat([enlarge(coarse, fine.shape[2:]), self.fine(fine)], dim=1)
        return self.score(self.filters(x))


class DeepLabv3Plus(Network):
    """With more `classes` than two, a logit of each but the first against it: (N, classes - 1, H, W)."""

    multiple = 16

    def __init__(
        self,
        trunk: Callable[[int], resnet.Trunk | xception.Trunk | mobilenetv2.Trunk],
        rates: tuple[int, ...] = RATES,
        filters: type[Atrous] | type[AtrousSeparable] = AtrousSeparable,
        width: int = 256,
        decoder_width: int = 256,
        output_stride: int = 16,
        classes: int = 2,
    ) -> None:
        """`trunk` of an output stride, its second feature at stride 4; `rates` at stride 16; `filters` of
        pyramid and decoder; `width` of the pyramid."""
        super().__init__()
        self.trunk = trunk(output_stride)
        channels = self.trunk.channels
        self.aspp = ASPP(channels[-1], rates_at(output_stride, rates), width, filters)
        self.decoder = Decoder(channels[1], width, classes, filters, decoder_width)

    def forward(self, image: Tensor) -> Tensor:
        features = self.trunk(self.normalise(image))
        scores = self.decoder(features[1], self.aspp(features[-1]))
        return enlarge(person(scores), image.shape[2:])


CARDS = (
    Card("deeplabv3plus", partial(DeepLabv3Plus, xception65, PORTRAIT_RATES), size=(256, 256)),
    Card("deeplabv3plus-mobilenetv2", partial(DeepLabv3Plus, mobilenet, PORTRAIT_RATES), size=(256, 256)),
    Card(
        "deeplabv3plus-phone",
        partial(DeepLabv3Plus, mobilenet, PORTRAIT_RATES, width=128, decoder_width=64),
        size=(224, 224),
    ),
)
PUBLISHED = (
    Published(
        "deeplabv3plus-xception-65",
        partial(DeepLabv3Plus, xception65, classes=21),
        (3, 513, 513),
        41_055_413,
        54.04e9,
    ),
    Published(
        "deeplabv3plus-resnet-101",
        partial(DeepLabv3Plus, resnet101, filters=Atrous, classes=21),
        (3, 513, 513),
        None,  # published as 59.34 M
        92.8e9,
    ),
)
