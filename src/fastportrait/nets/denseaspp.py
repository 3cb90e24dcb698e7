"""DenseASPP: dilated convolutions in a chain, each reading all before it, so that every scale is covered.

Paper: M. Yang et al., "DenseASPP for Semantic Segmentation in Street Scenes", 2018.
       https://openaccess.thecvf.com/content_cvpr_2018/html/Yang_DenseASPP_for_Semantic_CVPR_2018_paper.html
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 8 (denseaspp-phone: 16)
Out:   logit (N, 1, H, W), > 0 is person
Size:  denseaspp: 8,266,690 params, 9635.0 M MACs at 256 x 256
       denseaspp-mobilenetv2: 2,475,522 params, 2606.8 M MACs at 256 x 256
       denseaspp-phone: 2,033,122 params, 667.1 M MACs at 256 x 256
Differs from the paper: the mask is enlarged without aligned corners. `denseaspp-phone` is our own cut, at
stride 16 with half the widths, and with dilations 2, 3, 6, 9, 12, since a rate of 18 or 24 reaches beyond a
map of 16 x 16 from everywhere. The widths, a transition and a norm behind block 4, and a ReLU on what the
pyramid reads (there a side effect of working in place) are as in the authors' code.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import densenet
from .blocks import ConvBNAct, person
from .card import Card, Published
from .densenet import D121, D161, D169, D201, Depth
from .network import Network

RATES = (3, 6, 12, 18, 24)


class Atrous(nn.Sequential):
    """One layer of the pyramid: (N, c_in, h, w) -> (N, d1, h, w), narrowed to d0 before its dilated 3x3.

    The norms forget slowly (the authors' momentum): their statistics need some ten thousand steps.
    """

    def __init__(self, c_in: int, d0: int, d1: int, rate: int, first: bool) -> None:
        super().__init__(
            *([] if first else [nn.BatchNorm2d(c_in, momentum=3e-4), nn.ReLU()]),
            nn.Conv2d(c_in, d0, kernel_size=1),
            nn.BatchNorm2d(d0, momentum=3e-4),
            nn.ReLU(),
            nn.Conv2d(d0, d1, kernel_size=3, padding=rate, dilation=rate),
            nn.Dropout2d(0.1),
        )


class Pyramid(nn.Module):
    """Each layer reads the input and all layers before it: (N, c_in, h, w) -> (N, classes, h, w)."""

    def __init__(self, c_in: int, d0: int, d1: int, rates: tuple[int, ...] = RATES, classes: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Atrous(c_in + i * d1, d0, d1, rate, first=i == 0) for i, rate in enumerate(rates)
        )
        self.score = nn.Sequential(
            nn.Dropout2d(0.1), nn.Conv2d(c_in + len(rates) * d1, classes, kernel_size=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        for layer in self.layers:
            x = torch.cat([layer(x), x], dim=1)  # the new in front
        return self.score(x)


class InvertedResidual(nn.Module):
    """MobileNetV2's block as the authors have it: it expands even where the factor is 1."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand: int, dilation: int) -> None:
        super().__init__()
        c_mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        self.body = nn.Sequential(
            ConvBNAct(c_in, c_mid, kernel=1, act=nn.ReLU6),
            ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid, dilation=dilation, act=nn.ReLU6),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class MobileTrunk(nn.Sequential):
    """MobileNetV2 without its last 1x1: (N, 3, H, W) -> (N, 320, H / stride, W / stride), stride 8 or 16.

    At stride 8 all behind that stride is dilated by 2, no more; at 16 nothing is (the authors' choice).
    """

    channels = 320

    def __init__(self, stride: int = 8) -> None:
        step, rate = stride // 8, 16 // stride
        rows = (
            # t   c  n  stride of the first, dilation
            (1, 16, 1, 1, 1),
            (6, 24, 2, 2, 1),
            (6, 32, 3, 2, 1),
            (6, 64, 4, step, rate),
            (6, 96, 3, 1, rate),
            (6, 160, 3, 1, rate),
            (6, 320, 1, 1, rate),
        )
        layers: list[nn.Module] = [ConvBNAct(3, 32, stride=2)]
        c_in = 32
        for expand, c, n, first_stride, dilation in rows:
            for i in range(n):
                layers.append(InvertedResidual(c_in, c, first_stride if i == 0 else 1, expand, dilation))
                c_in = c
        super().__init__(*layers)


class DenseASPP(Network):
    """A trunk, what fits it to the pyramid, the pyramid, and one bilinear step to the image's size."""

    multiple = 8

    def __init__(self, trunk: nn.Module, neck: nn.Module, pyramid: Pyramid) -> None:
        super().__init__()
        self.trunk, self.neck, self.pyramid = trunk, neck, pyramid

    def scores(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, classes, h, w)."""
        return self.pyramid(self.neck(self.trunk(self.normalise(image))))

    def enlarge(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.multiple, mode="bilinear", align_corners=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.enlarge(person(self.scores(image)))


class OnDenseNet(DenseASPP):
    """The paper's: a DenseNet at stride 8, with a transition and a norm behind its last block."""

    def __init__(self, depth: Depth = D121, d0: int = 128, d1: int = 64, classes: int = 2) -> None:
        trunk = densenet.Trunk(depth, stride=8)
        c = trunk.channels // 2
        neck = nn.Sequential(
            nn.BatchNorm2d(trunk.channels),
            nn.ReLU(),
            nn.Conv2d(trunk.channels, c, kernel_size=1, bias=False),
            nn.BatchNorm2d(c),
        )
        super().__init__(trunk, neck, Pyramid(c, d0, d1, classes=classes))


class OnMobileNetV2(DenseASPP):
    """The authors' small one."""

    def __init__(self, classes: int = 2) -> None:
        trunk = MobileTrunk(stride=8)
        super().__init__(trunk, nn.Identity(), Pyramid(trunk.channels, 128, 64, classes=classes))


class Phone(DenseASPP):
    """Our cut."""

    multiple = 16

    def __init__(self) -> None:
        trunk = MobileTrunk(stride=16)
        super().__init__(trunk, nn.Identity(), Pyramid(trunk.channels, 64, 32, rates=(2, 3, 6, 9, 12)))


class Scenes(nn.Module):
    """A published build: (N, 3, H, W) -> scores of Cityscapes' classes (N, 19, H, W)."""

    def __init__(self, net: DenseASPP) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        return self.net.enlarge(self.net.scores(image))


def _scenes(depth: Depth, d0: int, d1: int) -> Scenes:
    return Scenes(OnDenseNet(depth, d0, d1, classes=19))


def _scenes_mobilenetv2() -> Scenes:
    return Scenes(OnMobileNetV2(classes=19))


CARDS = (
    Card("denseaspp", OnDenseNet, size=(256, 256)),
    Card("denseaspp-mobilenetv2", OnMobileNetV2, size=(256, 256)),
    # A mask of fewer than 8 x 8 places cannot follow an outline, whatever it learns.
    Card("denseaspp-phone", Phone, size=(256, 256), smallest=(128, 128)),
)
PUBLISHED = (
    # The counts of the authors' code; of 169 and 201 only rounded ones are known.
    Published("denseaspp-121", partial(_scenes, D121, 128, 64), (3, 512, 512), 8_280_851, 38.6e9),
    Published("denseaspp-169", partial(_scenes, D169, 336, 168), (3, 512, 512), None, 79.8e9),
    Published("denseaspp-161", partial(_scenes, D161, 512, 128), (3, 512, 512), 35_395_427, 154.9e9),
    Published("denseaspp-201", partial(_scenes, D201, 480, 240), (3, 512, 512), None, 121.3e9),
    Published("denseaspp-mobilenetv2-19", _scenes_mobilenetv2, (3, 512, 512), 2_486_419, 10.47e9),
)
