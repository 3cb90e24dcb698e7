"""EfficientNet-Lite: EfficientNet for processors without fast gates, with our own decoder on top.

Paper: M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019.
       https://arxiv.org/abs/1905.11946
       R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020 (the changes for phones).
       https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person; the published classifier: class scores (N, classes)
Size:  teacher: 4,466,324 params, 799.4 M MACs at 256 x 256
Differs from the paper: filters of stride 2 pad both sides alike, where the authors' TensorFlow pads below and
to the right only, so that coarse maps lie straight under fine ones; weights fit and shift by a pixel at most.
Batch norms forget with PyTorch's momentum. The portrait network's decoder is ours (topdown.py).
"""

from functools import partial
from math import ceil
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct
from .card import Card, Published
from .checkpoints import renamed
from .mobilenetv2 import scaled
from .network import Network
from .topdown import Decoder


class Row(NamedTuple):
    """A stage of EfficientNet-B0 (table 1)."""

    expand: int
    kernel: int
    channels: int
    blocks: int
    stride: int


TABLE = (
    Row(1, 3, 16, 1, 1),
    Row(6, 3, 24, 2, 2),
    Row(6, 5, 40, 2, 2),
    Row(6, 3, 80, 3, 2),
    Row(6, 5, 112, 3, 1),
    Row(6, 5, 192, 4, 2),
    Row(6, 3, 320, 1, 1),
)
STEM, LAST = 32, 1280
"""Channels before the first stage and after the last one: Lite scales neither."""


def layer(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> ConvBNAct:
    """Convolution, batch norm with the authors' epsilon, ReLU6, which Lite has for the swish."""
    made = ConvBNAct(c_in, c_out, kernel, stride, groups, act=nn.ReLU6)
    made[1] = nn.BatchNorm2d(c_out, eps=1e-3)
    return made


def linear(c_in: int, c_out: int) -> ConvBNAct:
    made = layer(c_in, c_out)
    made[2] = nn.Identity()
    return made


class MBConv(nn.Module):
    """Expand 1x1, filter depthwise, project 1x1 linearly (sec. 4); Lite has no squeeze and excite."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        c_mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        self.body = nn.Sequential(
            *([layer(c_in, c_mid)] if expand > 1 else []),
            layer(c_mid, c_mid, kernel, stride, groups=c_mid),
            linear(c_mid, c_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


def stages(width: float, depth: float) -> list[list[Row]]:
    """The rows at (width, depth) of sec. 3.3, one row a block, by the map's stride. Lite does not deepen the
    first and the last row."""
    found: list[list[Row]] = [[]]
    for i, row in enumerate(TABLE):
        if row.stride == 2:
            found.append([])
        count = row.blocks if i in (0, len(TABLE) - 1) else ceil(row.blocks * depth)
        wide = row._replace(channels=scaled(row.channels, width))
        found[-1] += [wide, *[wide._replace(stride=1)] * (count - 1)]
    return found


class Trunk(nn.Module):
    """(N, 3, H, W) -> [s2, s4, s8, s16, s32], their widths in `channels`."""

    def __init__(self, width: float = 1.0, depth: float = 1.0) -> None:
        super().__init__()
        c_in, self.channels = STEM, list[int]()
        made = [nn.Sequential(layer(3, STEM, 3, 2))]
        for i, rows in enumerate(stages(width, depth)):
            blocks = made[0] if i == 0 else nn.Sequential()
            for row in rows:
                blocks.append(MBConv(c_in, row.channels, row.kernel, row.stride, row.expand))
                c_in = row.channels
            made[i:] = [blocks]
            self.channels.append(c_in)
        self.stages = nn.ModuleList(made)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class EfficientNetLite(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, width: float = 1.0, depth: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        self.trunk = Trunk(width, depth)
        self.last = layer(self.trunk.channels[-1], LAST)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(LAST, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.last(self.trunk(x)[-1]).mean((2, 3)))


class EfficientNetLiteTopDown(Network):
    """The trunk under the decoder of our own family."""

    def __init__(self, width: float, depth: float) -> None:
        super().__init__((127 / 255,) * 3, (128 / 255,) * 3)
        self.trunk = Trunk(width, depth)
        self.decoder = Decoder(self.trunk.channels, WIDTHS, WIDTHS[0])
        self.head = nn.Conv2d(WIDTHS[0], 4, kernel_size=3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return F.pixel_shuffle(self.head(self.decoder(self.trunk(self.normalise(image)))), 2)


WIDTHS = (32, 48, 64, 96, 128)
LITE0, LITE1, LITE2 = (1.0, 1.0), (1.0, 1.1), (1.1, 1.2)
CARDS = (Card("teacher", partial(EfficientNetLiteTopDown, *LITE2), size=(256, 256)),)
PUBLISHED = (
    # Parameters as the authors' checkpoints have them. The blog's 407, 631 and 899 M count batch norms
    # and activations too, some three operations a value; here are the convolutions' multiply-accumulates.
    Published("efficientnetlite0", partial(EfficientNetLite, *LITE0), (3, 224, 224), 4_652_008, 407e6, 0.06),
    Published("efficientnetlite1", partial(EfficientNetLite, *LITE1), (3, 240, 240), 5_416_680, 631e6, 0.06),
    Published("efficientnetlite2", partial(EfficientNetLite, *LITE2), (3, 260, 260), 6_092_072, 899e6, 0.06),
)


def from_tensorflow_port(
    state: dict[str, Tensor], width: float = 1.0, depth: float = 1.0
) -> dict[str, Tensor]:
    """A state dict of the PyTorch port of the authors' checkpoints -> `EfficientNetLite`'s names.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    places = {"_conv_stem": "trunk.stages.0.0.0", "_bn0": "trunk.stages.0.0.1", "_conv_head": "last.0"}
    places |= {"_bn1": "last.1", "_fc": "classifier.1"}
    index = 0
    for i, rows in enumerate(stages(width, depth)):
        for j, row in enumerate(rows, start=1 if i == 0 else 0):
            there, here = f"_blocks.{index}", f"trunk.stages.{i}.{j}.body"
            parts = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
            parts = parts if row.expand == 1 else [("_expand_conv", "_bn0"), *parts]
            for k, (conv, norm) in enumerate(parts):
                places |= {f"{there}.{conv}": f"{here}.{k}.0", f"{there}.{norm}": f"{here}.{k}.1"}
            index += 1
    return renamed(state, places, "an EfficientNet-Lite in the layout of its PyTorch port")
