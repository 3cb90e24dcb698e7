"""ResNet: bottlenecks with shortcuts, the trunk of the heavy segmentation networks.

Paper: K. He et al., "Deep Residual Learning for Image Recognition", 2016. https://arxiv.org/abs/1512.03385
In:    image (N, 3, H, W), normalised; H and W multiples of the output stride
Out:   class scores (N, classes), or from the trunk one feature map a stage
Size:  ResNet-50 and ResNet-101 with 1000 classes: 25,557,032 and 44,549,160 params (PUBLISHED, tested)
Differs from the paper: a stage's stride lies in the first block's 3x3 filter, where the public checkpoints
have it, not in its first 1x1. Output stride, multi-grid and the deep stem come from later papers, named at
the line.
"""

from functools import partial

from torch import Tensor, nn

from .blocks import ConvBNAct
from .card import Card, Published
from .checkpoints import renamed

RESNET50 = (3, 4, 6, 3)
"""Blocks of each stage (table 1)."""
RESNET101 = (3, 4, 23, 3)
WIDTHS = (256, 512, 1024, 2048)


class Bottleneck(nn.Module):
    """Fig. 5, right: narrow 1x1, filter 3x3, widen 1x1; ReLU after the sum."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        c_mid = c_out // 4
        self.body = nn.Sequential(
            ConvBNAct(c_in, c_mid, kernel=1),
            ConvBNAct(c_mid, c_mid, stride=stride, dilation=dilation),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )
        same = stride == 1 and c_in == c_out
        self.shortcut = (
            nn.Identity() if same else ConvBNAct(c_in, c_out, kernel=1, stride=stride, act=nn.Identity)
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.body(x) + self.shortcut(x)).relu()


class Stem(ConvBNAct):
    """Table 1, conv1: (N, 3, H, W) -> (N, 64, H/2, W/2)."""

    channels = 64

    def __init__(self) -> None:
        super().__init__(3, self.channels, kernel=7, stride=2)


class DeepStem(nn.Sequential):
    """Three 3x3 filters for the 7x7, "v1c" in later code: (N, 3, H, W) -> (N, 128, H/2, W/2).

    T. He et al., "Bag of Tricks for Image Classification", 2018, fig. 2b, https://arxiv.org/abs/1812.01187;
    twice as wide here, as DFN's authors have it.
    """

    channels = 128

    def __init__(self) -> None:
        super().__init__(ConvBNAct(3, 64, stride=2), ConvBNAct(64, 64), ConvBNAct(64, self.channels))


class Trunk(nn.Module):
    """Table 1 without the classifier: (N, 3, H, W) -> [stem, conv2, conv3, conv4, conv5].

    Their widths are in `channels`; their strides are 2, 4, 8, 16, 32, but none above `output_stride`: from
    there on strides turn into dilations (DeepLabv3, sec. 3.1), which `multigrid` multiplies in conv5, block
    by block (its sec. 3.2.1).
    """

    def __init__(
        self,
        blocks: tuple[int, ...],
        output_stride: int = 32,
        multigrid: tuple[int, ...] = (1, 1, 1),
        stem: type[Stem] | type[DeepStem] = Stem,
    ) -> None:
        super().__init__()
        self.channels = [stem.channels, *WIDTHS]
        self.stem = stem()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.ModuleList()
        c_in = stem.channels
        for i, (n, c_out) in enumerate(zip(blocks, WIDTHS, strict=True)):
            full = (4, 8, 16, 32)[i]
            dilation = max(1, full // output_stride)
            stride = 2 if 4 < full <= output_stride else 1
            grid = multigrid if i == 3 else (1,) * n
            self.stages.append(
                nn.Sequential(
                    Bottleneck(c_in, c_out, stride, dilation * grid[0]),
                    *(Bottleneck(c_out, c_out, 1, dilation * unit) for unit in grid[1:]),
                )
            )
            c_in = c_out

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [self.stem(x)]
        x = self.pool(features[0])
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class ResNet(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, blocks: tuple[int, ...] = RESNET50, classes: int = 1000) -> None:
        super().__init__()
        self.trunk = Trunk(blocks)
        self.classifier = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x)[-1].mean((2, 3)))


CARDS: tuple[Card, ...] = ()
PUBLISHED = (
    Published("resnet-50", ResNet, (3, 224, 224), 25_557_032, 4.09e9),
    Published("resnet-101", partial(ResNet, RESNET101), (3, 224, 224), 44_549_160, 7.80e9),
)


def from_torchvision(state: dict[str, Tensor], blocks: tuple[int, ...] = RESNET50) -> dict[str, Tensor]:
    """A state dict in torchvision's layout -> `ResNet`'s names, for as many `blocks`.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    return renamed(state, _torchvision_places(blocks), f"a ResNet of {blocks} blocks in torchvision's layout")


def _torchvision_places(blocks: tuple[int, ...]) -> dict[str, str]:
    """Layer names there -> here."""
    places = {"conv1": "trunk.stem.0", "bn1": "trunk.stem.1", "fc": "classifier"}
    for stage, n in enumerate(blocks):
        for block in range(n):
            there, here = f"layer{stage + 1}.{block}", f"trunk.stages.{stage}.{block}"
            for i in range(3):
                places[f"{there}.conv{i + 1}"] = f"{here}.body.{i}.0"
                places[f"{there}.bn{i + 1}"] = f"{here}.body.{i}.1"
        places |= {
            f"layer{stage + 1}.0.downsample.{i}": f"trunk.stages.{stage}.0.shortcut.{i}" for i in (0, 1)
        }
    return places
