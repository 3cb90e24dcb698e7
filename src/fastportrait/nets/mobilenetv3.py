"""MobileNetV3: blocks found by search, with gates and hard activations; LR-ASPP makes a mask of them.

Paper: A. Howard et al., "Searching for MobileNetV3", 2019. https://arxiv.org/abs/1905.02244
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16 (the classifiers': normalised, of 32)
Out:   logit (N, 1, H, W), > 0 is person; class scores (N, classes) from the classifiers
Size:  mobilenetv3: 1,743,988 params, 307.8 M MACs at 256 x 256
       mobilenetv3-small: 512,996 params, 86.1 M MACs at 256 x 256
Differs from the paper: a gate's hidden width is a quarter of the block's, rounded to a multiple of 8, as the
authors' and torchvision's code have it; LR-ASPP pools the whole map instead of windows of 49 x 49, which are
larger than the map of a phone's image. At output stride 16 the block that loses its stride keeps dense
filters and only those behind it are dilated: so each of them sees what it saw at stride 32. Batch norm keeps
0.9 of its running statistics a step, not 0.99 (sec. 6.1.1): our runs are short.
"""

from functools import partial
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person
from .card import Card, Published
from .checkpoints import renamed
from .heads import LRASPP
from .mobilenetv2 import scaled
from .network import Network


class Row(NamedTuple):
    """One line of tables 1 and 2."""

    kernel: int
    expanded: int
    out: int
    gate: bool
    act: type[nn.Module]
    stride: int


RE, HS = nn.ReLU, nn.Hardswish

LARGE = (  # table 1
    Row(3, 16, 16, False, RE, 1),
    Row(3, 64, 24, False, RE, 2),
    Row(3, 72, 24, False, RE, 1),
    Row(5, 72, 40, True, RE, 2),
    Row(5, 120, 40, True, RE, 1),
    Row(5, 120, 40, True, RE, 1),
    Row(3, 240, 80, False, HS, 2),
    Row(3, 200, 80, False, HS, 1),
    Row(3, 184, 80, False, HS, 1),
    Row(3, 184, 80, False, HS, 1),
    Row(3, 480, 112, True, HS, 1),
    Row(3, 672, 112, True, HS, 1),
    Row(5, 672, 160, True, HS, 2),
    Row(5, 960, 160, True, HS, 1),
    Row(5, 960, 160, True, HS, 1),
)
SMALL = (  # table 2
    Row(3, 16, 16, True, RE, 2),
    Row(3, 72, 24, False, RE, 2),
    Row(3, 88, 24, False, RE, 1),
    Row(5, 96, 40, True, HS, 2),
    Row(5, 240, 40, True, HS, 1),
    Row(5, 240, 40, True, HS, 1),
    Row(5, 120, 48, True, HS, 1),
    Row(5, 144, 48, True, HS, 1),
    Row(5, 288, 96, True, HS, 2),
    Row(5, 576, 96, True, HS, 1),
    Row(5, 576, 96, True, HS, 1),
)


def reduced(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Sec. 6.4, "RF2": half the channels from the last stride on, as few classes need no more."""
    last = max(i for i, row in enumerate(rows) if row.stride == 2)
    return tuple(
        row._replace(
            expanded=row.expanded // 2 if i > last else row.expanded,
            out=row.out // 2 if i >= last else row.out,
        )
        for i, row in enumerate(rows)
    )


class Gate(nn.Module):
    """Sec. 5.3, squeeze and excite: scales each channel by what the whole map shows, (N, C, H, W) -> same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = scaled(channels, 0.25)
        self.squeeze = nn.Conv2d(channels, hidden, kernel_size=1)
        self.excite = nn.Conv2d(hidden, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return x * F.hardsigmoid(self.excite(self.squeeze(x.mean((2, 3), keepdim=True)).relu()))


class Block(nn.Module):
    """Fig. 4: expand 1x1, filter depthwise, gate, project 1x1 linearly; a shortcut where shapes allow."""

    def __init__(self, c_in: int, row: Row, stride: int, dilation: int) -> None:
        super().__init__()
        kernel, mid, out, gate, act, _ = row
        self.skip = row.stride == 1 and c_in == out
        layers: list[nn.Module] = [] if mid == c_in else [ConvBNAct(c_in, mid, kernel=1, act=act)]
        layers.append(ConvBNAct(mid, mid, kernel, stride, groups=mid, dilation=dilation, act=act))
        if gate:
            layers.append(Gate(mid))
        self.body = nn.Sequential(*layers, ConvBNAct(mid, out, kernel=1, act=nn.Identity))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class Trunk(nn.Module):
    """Tables 1 and 2 up to the pooling: (N, 3, H, W) -> [s2, s4, s8, ...], their widths in `channels`.

    With `output_stride` 16 the last map has stride 16 too: same layers, same names, dilated filters.
    """

    channels: list[int]

    def __init__(self, rows: tuple[Row, ...], output_stride: int = 32, last: bool = True) -> None:
        """`last`: the 1x1 convolution to six times the width, which the tables have before they pool."""
        super().__init__()
        c_in, reached, dilation = 16, 2, 1
        stages: list[list[nn.Module]] = [[ConvBNAct(3, c_in, stride=2, act=HS)]]
        self.channels = []
        for row in rows:
            stride, rate = row.stride, dilation
            if stride == 2:
                self.channels.append(c_in)
                stages.append([])
                if reached == output_stride:
                    stride, dilation = 1, dilation * 2  # this block's filters stay dense
                else:
                    reached *= 2
            stages[-1].append(Block(c_in, row, stride, rate))
            c_in = row.out
        if last:
            stages[-1].append(ConvBNAct(c_in, 6 * c_in, kernel=1, act=HS))
            c_in *= 6
        self.channels.append(c_in)
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.eps = 1e-3  # the authors' code

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class MobileNetV3(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, rows: tuple[Row, ...], hidden: int, classes: int = 1000) -> None:
        super().__init__()
        self.trunk = Trunk(rows)
        self.classifier = nn.Sequential(
            nn.Linear(self.trunk.channels[-1], hidden), HS(), nn.Dropout(0.2), nn.Linear(hidden, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x)[-1].mean((2, 3)))


class Segmentation(nn.Module):
    """Sec. 6.4 as published: (N, 3, H, W), normalised -> scores (N, classes, H/8, W/8)."""

    def __init__(self, rows: tuple[Row, ...], classes: int = 19) -> None:
        super().__init__()
        self.trunk = Trunk(rows, output_stride=16)
        self.head = LRASPP(self.trunk.channels[2], self.trunk.channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        _, _, s8, _, s16 = self.trunk(x)
        return self.head(s8, s16)


class Portrait(Network):
    """The trunk with the reduced tail under LR-ASPP, for two classes."""

    multiple = 16

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__()
        self.trunk = Trunk(reduced(rows), output_stride=16)
        self.head = LRASPP(self.trunk.channels[2], self.trunk.channels[-1])

    def forward(self, image: Tensor) -> Tensor:
        _, _, s8, _, s16 = self.trunk(self.normalise(image))
        logit = person(self.head(s8, s16))
        return F.interpolate(logit, scale_factor=8, mode="bilinear", align_corners=False)


CARDS = (
    Card("mobilenetv3", partial(Portrait, LARGE), size=(256, 256)),
    Card("mobilenetv3-small", partial(Portrait, SMALL), size=(256, 256)),
)
PUBLISHED = (
    Published("mobilenetv3-large", partial(MobileNetV3, LARGE, 1280), (3, 224, 224), 5_483_032, 216.6e6),
    Published("mobilenetv3-small", partial(MobileNetV3, SMALL, 1024), (3, 224, 224), 2_542_856, 56.5e6),
    # torchvision's, without the reduced tail
    Published(
        "mobilenetv3-large-lraspp-voc", partial(Segmentation, LARGE, 21), (3, 520, 520), 3_221_538, 2.086e9
    ),
    # Table 7: its 1.51 M and 0.47 M parameters cannot be met, ours are 1,746,878 and 515,614.
    Published(
        "mobilenetv3-large-lraspp", partial(Segmentation, reduced(LARGE)), (3, 1024, 2048), None, 9.74e9
    ),
    Published(
        "mobilenetv3-small-lraspp", partial(Segmentation, reduced(SMALL)), (3, 1024, 2048), None, 2.90e9, 0.03
    ),
)


def from_torchvision(state: dict[str, Tensor], rows: tuple[Row, ...] = LARGE) -> dict[str, Tensor]:
    """A state dict in torchvision's layout -> `MobileNetV3`'s names.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    return renamed(state, _torchvision_places(rows), "this MobileNetV3 in torchvision's layout")


def _torchvision_places(rows: tuple[Row, ...]) -> dict[str, str]:
    """Layer names there -> here: they number the blocks through, we number them within a stride."""
    places = {f"features.0.{j}": f"trunk.stages.0.0.{j}" for j in (0, 1)}
    c_in, stage, place = 16, 0, 1
    for index, row in enumerate(rows, start=1):
        if row.stride == 2:
            stage, place = stage + 1, 0
        there, here = f"features.{index}.block", f"trunk.stages.{stage}.{place}.body"
        gate = 1 + (row.expanded != c_in) if row.gate else None  # where the gate stands, if there is one
        for i in range(2 + (row.expanded != c_in) + row.gate):
            if i == gate:
                places |= {
                    f"{there}.{i}.fc1": f"{here}.{i}.squeeze",
                    f"{there}.{i}.fc2": f"{here}.{i}.excite",
                }
            else:
                places |= {f"{there}.{i}.{j}": f"{here}.{i}.{j}" for j in (0, 1)}
        c_in, place = row.out, place + 1
    last = f"features.{len(rows) + 1}"
    places |= {f"{last}.{j}": f"trunk.stages.{stage}.{place}.{j}" for j in (0, 1)}
    return places | {f"classifier.{i}": f"classifier.{i}" for i in (0, 3)}
