"""ExtremeC3Net: dilated filters behind strips that close their gaps, and a shallow branch for edges.

Paper: H. Park et al., "ExtremeC3Net: Extreme Lightweight Portrait Segmentation Networks using Advanced
       C3-modules", 2019. https://arxiv.org/abs/1908.03093
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 4
Out:   logit (N, 1, H, W), > 0 is person
Size:  extremec3net: 37,762 params, 129.0 M MACs at 224 x 224
       extremec3net-encoder: 33,290 params, 98.2 M MACs at 224 x 224
Differs from the paper: bilinear steps have align_corners=False (the authors': True), for which phones have a
kernel. The mask comes from two filters and the softmax, as the published count has them; the authors' script
trains one filter with the Lovasz hinge.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import double, person
from .card import Card, Published
from .network import Network

Ratios = tuple[int, int, int]


class NormAct(nn.Sequential):
    """Batch norm and a PReLU with one slope a channel, behind a sum or a concatenation."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.BatchNorm2d(channels, eps=1e-3), nn.PReLU(channels))


class C3Branch(nn.Sequential):
    """C3-block: a depthwise 3x3 dilated by `ratio`, behind two strips that fill the holes it leaves.

    (N, c_in, H, W) -> (N, c_out, H, W).
    """

    def __init__(self, c_in: int, c_out: int, ratio: int) -> None:
        strips: list[nn.Module] = []
        if ratio > 1:
            long, reach = 2 * ratio - 1, ratio - 1
            strips = [
                nn.Conv2d(c_in, c_in, (long, 1), padding=(reach, 0), groups=c_in, bias=False),
                nn.BatchNorm2d(c_in),
                nn.PReLU(c_in),
                nn.Conv2d(c_in, c_in, (1, long), padding=(0, reach), groups=c_in, bias=False),
                nn.BatchNorm2d(c_in),
            ]
        super().__init__(
            *strips,
            nn.Conv2d(c_in, c_in, kernel_size=3, padding=ratio, dilation=ratio, groups=c_in, bias=False),
            nn.Conv2d(c_in, c_out, kernel_size=1, bias=False),
        )


class AdvancedC3(nn.Module):
    """Advanced C3-module: reduce to a third, three branches of different reach side by side, and a shortcut.

    (N, c_in, H, W) -> (N, c_out, H / stride, W / stride).
    """

    def __init__(self, c_in: int, c_out: int, ratios: Ratios, stride: int = 1) -> None:
        super().__init__()
        third = c_out // 3
        self.skip = c_in == c_out and stride == 1
        kernel = 1 if stride == 1 else 3
        self.reduce = nn.Conv2d(c_in, third, kernel, stride, padding=kernel // 2, bias=False)
        widths = (c_out - 2 * third, third, third)
        self.branches = nn.ModuleList(C3Branch(third, w, r) for w, r in zip(widths, ratios, strict=True))
        self.act = NormAct(c_out)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        seen = torch.cat([branch(reduced) for branch in self.branches], dim=1)
        return self.act(x + seen if self.skip else seen)


class CoarseNet(nn.Module):
    """Coarse, but deep: (N, 3, H, W) -> (N, 112, H / 4, W / 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False), *NormAct(24))
        self.act1 = NormAct(24 + 3)
        self.down = AdvancedC3(24 + 3, 48, (1, 2, 3), stride=2)
        self.stage2 = AdvancedC3(48, 48, (1, 3, 4))
        self.act2 = NormAct(48 + 48 + 3)
        self.widen = AdvancedC3(48 + 48 + 3, 56, (1, 3, 5))
        self.stage3 = nn.Sequential(*(AdvancedC3(56, 56, (2, 4, 8)) for _ in range(5)))
        self.act3 = NormAct(56 + 56)

    def forward(self, image: Tensor) -> Tensor:
        half = F.avg_pool2d(image, 2)
        quarter = F.avg_pool2d(half, 2)
        down = self.down(self.act1(torch.cat([self.stem(image), half], dim=1)))
        wide = self.widen(self.act2(torch.cat([self.stage2(down), down, quarter], dim=1)))
        return self.act3(torch.cat([wide, self.stage3(wide)], dim=1))


class ExtremeC3Encoder(Network):
    """The first stage of training: CoarseNet under a classifier of its own, its mask enlarged four times."""

    multiple = 4

    def __init__(self) -> None:
        super().__init__()
        self.trunk = CoarseNet()
        self.score = nn.Conv2d(112, 2, kernel_size=1, bias=False)  # background, person

    def forward(self, image: Tensor) -> Tensor:
        logit = person(self.score(self.trunk(self.normalise(image))))
        return F.interpolate(logit, scale_factor=4, mode="bilinear", align_corners=False)


class ExtremeC3Net(Network):
    """CoarseNet for what is where, FineNet at stride 2 for the border between: their sum is scored."""

    multiple = 4

    def __init__(self) -> None:
        super().__init__()
        self.trunk = CoarseNet()
        self.coarse = nn.Sequential(nn.Conv2d(112, 24, kernel_size=1, bias=False), nn.BatchNorm2d(24))
        self.fine = nn.Sequential(
            nn.Conv2d(3, 24, kernel_size=3, stride=2, padding=1, bias=False),
            AdvancedC3(24, 24, (2, 4, 8)),
        )
        self.act = NormAct(24)
        self.score = nn.Conv2d(24, 2, kernel_size=1, bias=False)  # background, person

    def forward(self, image: Tensor) -> Tensor:
        image = self.normalise(image)
        x = double(self.coarse(self.trunk(image))) + self.fine(image)
        return person(self.score(double(self.act(x))))


CARDS = (
    Card("extremec3net", ExtremeC3Net, size=(224, 224)),
    Card("extremec3net-encoder", ExtremeC3Encoder, size=(224, 224)),
)
PUBLISHED = (Published("extremec3net", ExtremeC3Net, (3, 224, 224), 37_762, 129.0e6),)
