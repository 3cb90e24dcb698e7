"""MobileNetV2: inverted residuals with linear bottlenecks, the trunk of most portrait networks.

Paper: M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018.
       https://arxiv.org/abs/1801.04381
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16, for mobilenetv2-unet of 32
Out:   logit (N, 1, H, W), > 0 is person; the published classifier: class scores (N, classes)
Size:  mobilenetv2: 2,108,674 params, 649.8 M MACs at 256 x 256
       mobilenetv2-unet: 1,854,402 params, 457.8 M MACs at 256 x 256
Differs from the paper: batch norm's epsilon is 1e-5 (the paper does not give one). `mobilenetv2` is the
paper's own segmenter, DeepLabv3 cut down (sec. 6.3); `mobilenetv2-unet` is not in the paper: a U-Net's path
up with separable filters, which keeps the fine maps that an outline needs.
"""

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person, resize_to
from .card import Card, Published
from .checkpoints import renamed
from .heads import LiteASPP, SeparableUNet
from .network import Network

Row = tuple[int, int, int, int]

TABLE: tuple[Row, ...] = (
    # t   c  n  s: expansion, channels, blocks, stride of the first (table 2)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Fig. 4: expand 1x1, filter depthwise 3x3, project 1x1 linearly; a shortcut where shapes allow."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1, expand: int = 6, dilation: int = 1) -> None:
        super().__init__()
        c_mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        layers: list[nn.Module] = [] if expand == 1 else [ConvBNAct(c_in, c_mid, kernel=1, act=nn.ReLU6)]
        self.body = nn.Sequential(
            *layers,
            ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid, dilation=dilation, act=nn.ReLU6),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


def scaled(channels: int, width: float) -> int:
    """`channels` x `width`, to a multiple of 8, never losing more than a tenth (the authors' rounding)."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


class Trunk(nn.Module):
    """Table 2 without the last 1x1: (N, 3, H, W) -> [s2, s4, s8, ...], their widths in `channels`.

    At `output_stride` 16 or 8 the later maps stay at that stride: their depthwise filters are dilated
    instead, so that the same weights see as far as before (sec. 6.3).
    """

    channels: list[int]

    def __init__(self, rows: tuple[Row, ...] = TABLE, width: float = 1.0, output_stride: int = 32) -> None:
        super().__init__()
        stride, dilation = 2, 1
        c_in = scaled(32, width)
        stages: list[list[nn.Module]] = [[ConvBNAct(3, c_in, stride=2, act=nn.ReLU6)]]
        self.channels = []
        for expand, c, n, first_stride in rows:
            step, reach = first_stride, dilation  # of the row's first block
            if first_stride == 2:
                self.channels.append(c_in)
                stages.append([])
                if stride == output_stride:
                    step, dilation = 1, 2 * dilation
                else:
                    stride *= 2
            for _ in range(n):
                c_out = scaled(c, width)
                stages[-1].append(InvertedResidual(c_in, c_out, step, expand, reach))
                c_in, step, reach = c_out, 1, dilation
        self.channels.append(c_in)
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class MobileNetV2(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, classes: int = 1000, width: float = 1.0) -> None:
        super().__init__()
        self.trunk = Trunk(width=width)
        last = scaled(1280, max(1.0, width))
        self.last = ConvBNAct(self.trunk.channels[-1], last, kernel=1, act=nn.ReLU6)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.last(self.trunk(x)[-1]).mean((2, 3)))


class Segmenter(nn.Module):
    """Table 7: DeepLabv3 without its dilated branches: (N, 3, H, W), normalised -> (N, classes, H, W)."""

    def __init__(self, classes: int = 21, output_stride: int = 16) -> None:
        super().__init__()
        self.trunk = Trunk(output_stride=output_stride)
        self.head = LiteASPP(self.trunk.channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return resize_to(self.head(self.trunk(x)[-1]), x.shape[2:])


class MobileNetV2DeepLab(Network):
    multiple = 16

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(output_stride=16)
        self.head = LiteASPP(self.trunk.channels[-1])

    def forward(self, image: Tensor) -> Tensor:
        logit = person(self.head(self.trunk(self.normalise(image))[-1]))
        return F.interpolate(logit, scale_factor=16, mode="bilinear", align_corners=False)


class MobileNetV2UNet(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = SeparableUNet(self.trunk.channels)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.head(self.trunk(self.normalise(image))))


CARDS = (
    # A mask of fewer than 8 x 8 places cannot follow an outline, whatever it learns.
    Card("mobilenetv2", MobileNetV2DeepLab, size=(256, 256), smallest=(128, 128)),
    Card("mobilenetv2-unet", MobileNetV2UNet, size=(256, 256)),
)
PUBLISHED = (
    Published("mobilenetv2-1.4", partial(MobileNetV2, width=1.4), (3, 224, 224), 6_108_776, 582.2e6),
    Published("mobilenetv2-1.0", MobileNetV2, (3, 224, 224), 3_504_872, 300.77e6),
    Published("mobilenetv2-0.5", partial(MobileNetV2, width=0.5), (3, 224, 224), 1_968_680, 97.1e6),
    # The authors' list cuts decimals off: 11 is anything below 12.
    Published("mobilenetv2-0.35-96", partial(MobileNetV2, width=0.35), (3, 96, 96), None, 11e6, 1 / 11),
    # Table 7; its parameters are printed as 2.11 M only. At stride 8 it prints the sum over many scales.
    Published("mobilenetv2-deeplab", Segmenter, (3, 513, 513), None, 2.75e9),
    Published("mobilenetv2-deeplab-os8", partial(Segmenter, output_stride=8), (3, 513, 513), None, 8.83e9),
)


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in torchvision's layout -> `MobileNetV2`'s names.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    return renamed(state, _torchvision_places(), "a MobileNetV2 in torchvision's layout")


def _torchvision_places() -> dict[str, str]:
    """Layer names there -> here: they number the blocks through, we number them within a stride."""
    places = {"features.0.0": "trunk.stages.0.0.0", "features.0.1": "trunk.stages.0.0.1"}
    stage, place, index = 0, 1, 1
    for expand, _, n, first_stride in TABLE:
        if first_stride == 2:
            stage, place = stage + 1, 0
        for _ in range(n):
            there, here = f"features.{index}.conv", f"trunk.stages.{stage}.{place}.body"
            depth = 2 if expand > 1 else 1  # convolutions with an activation before the projection
            for i in range(depth):
                places |= {f"{there}.{i}.{j}": f"{here}.{i}.{j}" for j in (0, 1)}
            places |= {f"{there}.{depth + j}": f"{here}.{depth}.{j}" for j in (0, 1)}
            place, index = place + 1, index + 1
    places |= {f"features.{index}.{j}": f"last.{j}" for j in (0, 1)}
    return places | {"classifier.1": "classifier.1"}
