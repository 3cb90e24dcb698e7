"""MobileNetV2: inverted residuals with linear bottlenecks, the trunk of most portrait networks.

Paper: M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018.
       https://arxiv.org/abs/1801.04381
In:    image (N, 3, H, W), normalised; H and W multiples of 32
Out:   class scores (N, classes), or from the trunk one feature map a stride
Size:  3,504,872 params, 300.8 M MACs at 224 x 224 with 1000 classes (paper: 3.4 M, 300 M)
Differs from the paper: batch norm's epsilon is 1e-5 (the paper does not give one).
"""

from functools import partial

from torch import Tensor, nn

from .blocks import ConvBNAct
from .card import Card, Published

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

    def __init__(self, c_in: int, c_out: int, stride: int = 1, expand: int = 6) -> None:
        super().__init__()
        c_mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        layers: list[nn.Module] = [] if expand == 1 else [ConvBNAct(c_in, c_mid, kernel=1, act=nn.ReLU6)]
        self.body = nn.Sequential(
            *layers,
            ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid, act=nn.ReLU6),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


def scaled(channels: int, width: float) -> int:
    """`channels` x `width`, to a multiple of 8, never losing more than a tenth (the authors' rounding)."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


class Trunk(nn.Module):
    """Table 2 without the last 1x1: (N, 3, H, W) -> [s2, s4, s8, ...], their widths in `channels`."""

    channels: list[int]

    def __init__(self, rows: tuple[Row, ...] = TABLE, width: float = 1.0) -> None:
        super().__init__()
        c_in = scaled(32, width)
        stages: list[list[nn.Module]] = [[ConvBNAct(3, c_in, stride=2, act=nn.ReLU6)]]
        self.channels = []
        for expand, c, n, first_stride in rows:
            if first_stride == 2:
                self.channels.append(c_in)
                stages.append([])
            for i in range(n):
                c_out = scaled(c, width)
                stages[-1].append(InvertedResidual(c_in, c_out, first_stride if i == 0 else 1, expand))
                c_in = c_out
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


CARDS: tuple[Card, ...] = ()
PUBLISHED = (
    Published("mobilenetv2-1.4", partial(MobileNetV2, width=1.4), (3, 224, 224), 6_108_776, 582.2e6),
    Published("mobilenetv2-1.0", MobileNetV2, (3, 224, 224), 3_504_872, 300.77e6),
    Published("mobilenetv2-0.5", partial(MobileNetV2, width=0.5), (3, 224, 224), 1_968_680, 97.1e6),
)


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in torchvision's layout -> `MobileNetV2`'s names.

    Raises `ValueError` on a key that has no place here. Nothing is skipped but batch norm's step counters,
    which only a momentum of None would read.
    """
    places = _torchvision_places()
    renamed = {}
    for key, value in state.items():
        if key.endswith("num_batches_tracked"):
            continue
        layer, _, leaf = key.rpartition(".")
        if layer not in places:
            raise ValueError(f"{key!r} is no layer of a MobileNetV2 in torchvision's layout")
        renamed[f"{places[layer]}.{leaf}"] = value
    return renamed


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
