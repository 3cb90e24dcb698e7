"""PIDNet: a third branch that only knows where edges are, and decides there between detail and context.

Paper: J. Xu et al., "PIDNet: A Real-time Semantic Segmentation Network Inspired by PID Controllers", 2022.
       https://arxiv.org/abs/2206.02066
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 64
Out:   logit (N, 1, H, W), > 0 is person
Size:  pidnet: 7,623,522 params, 1472.7 M MACs at 256 x 256
Differs from the paper: its boundary-awareness loss, which asks the mask to be right where the edge head sees
an edge, is not among our losses; `boundary` weighs the band along the true edge instead.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person, resize_to
from .card import Card, Published
from .network import Network


def bare(c_in: int, c_out: int, kernel: int = 1, stride: int = 1) -> ConvBNAct:
    """Convolution and batch norm, no activation."""
    return ConvBNAct(c_in, c_out, kernel, stride, act=nn.Identity)


class Residual(nn.Module):
    """(N, c_in, H, W) -> (N, c_out, H / stride, W / stride), before the last ReLU."""

    def __init__(self, c_in: int, c_out: int, stride: int, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        same = stride == 1 and c_in == c_out
        self.skip: nn.Module = nn.Identity() if same else bare(c_in, c_out, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.skip(x)


def basic(c_in: int, c: int, stride: int = 1) -> Residual:
    """K. He et al., "Deep Residual Learning", 2015, fig. 5, left. https://arxiv.org/abs/1512.03385"""
    return Residual(c_in, c, stride, nn.Sequential(ConvBNAct(c_in, c, 3, stride), bare(c, c, kernel=3)))


def bottleneck(c_in: int, c: int, stride: int = 1) -> Residual:
    """The same, on the right, but widening twice, not four times."""
    body = nn.Sequential(ConvBNAct(c_in, c, 1), ConvBNAct(c, c, 3, stride), bare(c, 2 * c))
    return Residual(c_in, 2 * c, stride, body)


def row(c_in: int, c: int, n: int, stride: int = 1) -> nn.Sequential:
    """`n` basic blocks, a ReLU between them and none at the end."""
    blocks: list[nn.Module] = [basic(c_in, c, stride)]
    for _ in range(n - 1):
        blocks += [nn.ReLU(), basic(c, c)]
    return nn.Sequential(*blocks)


class PreAct(nn.Sequential):
    """Batch norm, ReLU, convolution."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.BatchNorm2d(c_in),
            nn.ReLU(),
            nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False),
        )


class Head(nn.Sequential):
    """(N, c_in, h, w) -> (N, classes, h, w)."""

    def __init__(self, c_in: int, c_mid: int, classes: int) -> None:
        super().__init__(
            PreAct(c_in, c_mid, kernel=3),
            nn.BatchNorm2d(c_mid),
            nn.ReLU(),
            nn.Conv2d(c_mid, classes, kernel_size=1),
        )


class Pag(nn.Module):
    """Pixel-attention-guided fusion: where the two agree, context replaces detail.

    detail (N, C, h, w) and context (N, C, h', w') -> (N, C, h, w).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.detail = bare(channels, channels // 2)
        self.context = bare(channels, channels // 2)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        size = detail.shape[2:]
        alike = self.detail(detail) * resize_to(self.context(context), size)
        trust = alike.sum(dim=1, keepdim=True).sigmoid()
        return (1 - trust) * detail + trust * resize_to(context, size)


class Pappm(nn.Module):
    """Parallel aggregation pyramid: what is here, plus what four windows around it show, filtered in groups.

    (N, c_in, h, w) -> (N, c_out, h, w).
    """

    def __init__(self, c_in: int, c_mid: int, c_out: int) -> None:
        super().__init__()
        self.here = PreAct(c_in, c_mid)
        self.windows = nn.ModuleList(
            nn.Sequential(nn.AvgPool2d(2 * reach + 1, reach, reach), PreAct(c_in, c_mid))
            for reach in (2, 4, 8)
        )
        self.whole = PreAct(c_in, c_mid)
        self.process = PreAct(4 * c_mid, 4 * c_mid, kernel=3, groups=4)
        self.compress = PreAct(5 * c_mid, c_out)
        self.skip = PreAct(c_in, c_out)

    def forward(self, x: Tensor) -> Tensor:
        here = self.here(x)
        views = [here + resize_to(window(x), x.shape[2:]) for window in self.windows]
        views.append(here + self.whole(x.mean((2, 3), keepdim=True)))
        views = [here, self.process(torch.cat(views, dim=1))]
        return self.compress(torch.cat(views, dim=1)) + self.skip(x)


class LightBag(nn.Module):
    """Boundary-attention-guided fusion, light: detail where there is an edge, context elsewhere."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.detail = bare(channels, channels)
        self.context = bare(channels, channels)

    def forward(self, detail: Tensor, context: Tensor, edge: Tensor) -> Tensor:
        """Three maps (N, C, h, w) -> (N, C, h, w)."""
        edge = edge.sigmoid()
        return self.detail(detail + (1 - edge) * context) + self.context(context + edge * detail)


class Body(nn.Module):
    """PIDNet-S: (N, 3, H, W) -> scores (N, classes, H / 8, W / 8), and what the helpers look at:
    detail (N, 64, H / 8, W / 8) and edge (N, 64, H / 8, W / 8)."""

    def __init__(self, classes: int, c: int = 32, n: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(  # with biases before batch norm, as the authors count them
            *(nn.Conv2d(3, c, 3, stride=2, padding=1), nn.BatchNorm2d(c), nn.ReLU()),
            *(nn.Conv2d(c, c, 3, stride=2, padding=1), nn.BatchNorm2d(c), nn.ReLU()),
            *(row(c, c, n=2), nn.ReLU()),
            *(row(c, 2 * c, n=2, stride=2), nn.ReLU()),
        )
        # I: context, down to a sixty-fourth.
        self.i3 = nn.Sequential(row(2 * c, 4 * c, n, stride=2), nn.ReLU())
        self.i4 = nn.Sequential(row(4 * c, 8 * c, n, stride=2), nn.ReLU())
        self.i5 = nn.Sequential(
            bottleneck(8 * c, 8 * c, stride=2), bottleneck(16 * c, 8 * c), Pappm(16 * c, 96, 4 * c)
        )
        # P: detail, at an eighth.
        self.p3 = row(2 * c, 2 * c, n=2)
        self.p4 = row(2 * c, 2 * c, n=2)
        self.p5 = bottleneck(2 * c, 2 * c)
        self.from3 = bare(4 * c, 2 * c)
        self.from4 = bare(8 * c, 2 * c)
        self.pag3 = Pag(2 * c)
        self.pag4 = Pag(2 * c)
        # D: edges, at an eighth.
        self.d3 = basic(2 * c, c)
        self.d4 = bottleneck(c, c)
        self.d5 = bottleneck(2 * c, 2 * c)
        self.edge3 = bare(4 * c, c, kernel=3)
        self.edge4 = bare(8 * c, 2 * c, kernel=3)

        self.bag = LightBag(4 * c)
        self.head = Head(4 * c, 128, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.stem(x)
        size = x.shape[2:]
        i = self.i3(x)
        p = early = self.pag3(self.p3(x), self.from3(i))
        d = self.d3(x) + resize_to(self.edge3(i), size)
        i = self.i4(i)
        p = self.pag4(self.p4(p.relu()), self.from4(i))
        d = late = self.d4(d.relu()) + resize_to(self.edge4(i), size)
        i = resize_to(self.i5(i), size)
        return self.head(self.bag(self.p5(p.relu()), i, self.d5(d.relu()))), early, late


class Cityscapes(nn.Module):
    """The published build: (N, 3, H, W) -> scores (N, 19, H / 8, W / 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body(classes=19)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[0]


class PIDNet(Network):
    multiple = 64

    def __init__(self) -> None:
        super().__init__()
        self.body = Body(classes=2)
        self.helpers["detail"] = Head(64, 128, classes=2)  # behind the first fusion of the P branch
        self.helpers["boundary"] = Head(64, 32, classes=1)  # behind the second sum of the D branch

    def forward(self, image: Tensor) -> Tensor:
        return enlarge(person(self.body(self.normalise(image))[0]))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        scores, early, late = self.body(self.normalise(image))
        return {
            "mask": enlarge(person(scores)),
            "mask_detail": person(self.helpers["detail"](early)),
            "edge_boundary": self.helpers["boundary"](late),
        }


def enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=8, mode="bilinear", align_corners=False)


# At 64 px the last stage is one pixel: batch norm leaves nothing of two pictures' difference.
CARDS = (Card("pidnet", PIDNet, size=(256, 256), smallest=(128, 128)),)
PUBLISHED = (
    # The integer is not printed anywhere: 7.626 M.
    Published("pidnet-s", Cityscapes, (3, 1024, 2048), None, 47.2e9),
)
