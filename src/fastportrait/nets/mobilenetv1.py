"""MobileNets: every 3x3 convolution but the first is split into a depthwise one and a pointwise one.

Paper: A. G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
       Applications", 2017. https://arxiv.org/abs/1704.04861
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person; the published classifier: class scores (N, classes)
Size:  mobilenetv1: 3,353,034 params, 911.8 M MACs at 256 x 256
Differs from the paper: the paper classifies; the portrait network puts a U-Net's path up with separable
filters on the trunk, the usual pairing. The last block keeps its map's size: the table prints stride 2 there,
but its own sizes and MACs are those of stride 1.
"""

from functools import partial

from torch import Tensor, nn

from .blocks import ConvBNAct, person
from .card import Card, Published
from .heads import SeparableUNet
from .network import Network

TABLE: tuple[tuple[int, ...], ...] = (
    # Channels of the blocks at one size (table 1); the first block of a line has stride 2, except in the
    # first line, where the convolution before it has.
    (64,),
    (128, 128),
    (256, 256),
    (512, 512, 512, 512, 512, 512),
    (1024, 1024),
)


class DepthwiseSeparable(nn.Sequential):
    """Fig. 3, right: depthwise 3x3, then pointwise: (N, c_in, H, W) -> (N, c_out, H / stride, W / stride)."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__(ConvBNAct(c_in, c_in, stride=stride, groups=c_in), ConvBNAct(c_in, c_out, kernel=1))


class Trunk(nn.Module):
    """Table 1 without the classifier: (N, 3, H, W) -> [s2, s4, s8, ...], their widths in `channels`."""

    channels: list[int]

    def __init__(self, width: float = 1.0) -> None:
        """`width`: the multiplier alpha of sec. 3.3, on all channels."""
        super().__init__()
        c_in = int(32 * width)
        stages: list[list[nn.Module]] = [[ConvBNAct(3, c_in, stride=2)]]
        self.channels = []
        for line in TABLE:
            if self.channels:
                stages.append([])
            for i, c in enumerate(line):
                c_out = int(c * width)
                stages[-1].append(DepthwiseSeparable(c_in, c_out, 2 if self.channels and i == 0 else 1))
                c_in = c_out
            self.channels.append(c_in)
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class MobileNetV1(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, classes: int = 1000, width: float = 1.0) -> None:
        super().__init__()
        self.trunk = Trunk(width)
        self.classifier = nn.Linear(self.trunk.channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x)[-1].mean((2, 3)))


class MobileNetV1UNet(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = SeparableUNet(self.trunk.channels)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.head(self.trunk(self.normalise(image))))


CARDS = (Card("mobilenetv1", MobileNetV1UNet, size=(256, 256)),)
PUBLISHED = (
    # Tables 6, 7 and 9. The parameters of the narrower ones are printed in millions only: 2.6, 1.32, 0.5. The
    # authors' later list has 317 M MACs at width 0.75, which table 1 so scaled does not have.
    Published("mobilenetv1-1.0-224", MobileNetV1, (3, 224, 224), 4_231_976, 569e6),
    Published("mobilenetv1-1.0-192", MobileNetV1, (3, 192, 192), 4_231_976, 418e6),
    Published("mobilenetv1-1.0-160", MobileNetV1, (3, 160, 160), 4_231_976, 290e6),
    Published("mobilenetv1-1.0-128", MobileNetV1, (3, 128, 128), 4_231_976, 186e6),
    Published("mobilenetv1-0.75-224", partial(MobileNetV1, width=0.75), (3, 224, 224), None, 325e6),
    Published("mobilenetv1-0.5-224", partial(MobileNetV1, width=0.5), (3, 224, 224), None, 149e6),
    Published("mobilenetv1-0.5-160", partial(MobileNetV1, width=0.5), (3, 160, 160), None, 76e6),
    Published("mobilenetv1-0.25-224", partial(MobileNetV1, width=0.25), (3, 224, 224), None, 41e6),
)
