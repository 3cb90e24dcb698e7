"""DFN: a smooth network that chooses channels from coarse to fine, and a border network that helps it learn.

Paper: C. Yu et al., "Learning a Discriminative Feature Network for Semantic Segmentation", 2018.
       https://arxiv.org/abs/1804.09337
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  dfn: 87,610,066 params, 65793.9 M MACs at 256 x 256
       dfn-lite: 2,526,482 params, 1229.5 M MACs at 256 x 256
Differs from the paper: a coarse mask or an edge is compared with the label at its own size; the authors' code
enlarges it first. The border's first stage goes through its refining block like the others; the authors' code
has that block's weights and never runs them. `dfn-lite` is the same on MobileNetV2, with an eighth of the
width.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import mobilenetv2, resnet
from .blocks import ConvBNAct, double, person, resize_to
from .card import Card, Published
from .network import Network

COARSE = ("mask_stage3", "mask_stage4", "mask_stage5")
"""Deep supervision of the smooth network."""
EDGES = ("edge_stage2", "edge_stage3", "edge_stage4", "edge_stage5")


class RRB(nn.Module):
    """Fig. 2b, refinement residual block: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.unify = nn.Conv2d(c_in, c_out, kernel_size=1, bias=False)
        self.body = nn.Sequential(ConvBNAct(c_out, c_out), nn.Conv2d(c_out, c_out, 3, padding=1, bias=False))
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unify(x)
        return self.act(x + self.body(x))


class CAB(nn.Module):
    """Fig. 2c, channel attention block: the coarser map says which channels of the finer one to keep.

    Two maps (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv2d(2 * channels, channels, kernel_size=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=1),
            nn.Sigmoid(),
        )

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        # The mean of the two beside each other is the two means beside each other.
        means = torch.cat([m.mean((2, 3), keepdim=True) for m in (fine, coarse)], dim=1)
        return fine * self.weigh(means) + coarse


class Head(nn.Sequential):
    """Scores at the map's own size: (N, C, h, w) -> (N, classes, h, w)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            RRB(channels, 9 * classes, act=nn.Identity), nn.Conv2d(9 * classes, classes, kernel_size=1)
        )


class Smooth(nn.Module):
    """Fig. 2a, smooth network: [stage 2, ..., stage 5] -> maps of the same sizes, of `width` channels."""

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        self.context = ConvBNAct(channels[-1], width, kernel=1)
        self.before = nn.ModuleList(RRB(c, width) for c in channels)
        self.attention = nn.ModuleList(CAB(width) for _ in channels)
        self.after = nn.ModuleList(RRB(width, width) for _ in channels)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        coarse = self.context(features[-1].mean((2, 3), keepdim=True))
        maps: list[Tensor] = []
        for i in reversed(range(len(features))):
            fine = self.before[i](features[i])
            coarse = double(maps[0]) if maps else resize_to(coarse, fine.shape[2:])
            maps.insert(0, self.after[i](self.attention[i](fine, coarse)))
        return maps


class Border(nn.Module):
    """Fig. 2a, border network: [stage 2, ..., stage 5] -> as many edge logits, all (N, 1, H/4, W/4)."""

    def __init__(self, channels: list[int], width: int = 21) -> None:
        super().__init__()
        self.before = nn.ModuleList(RRB(c, width) for c in channels)
        self.after = nn.ModuleList(RRB(width, width) for _ in channels)
        self.heads = nn.ModuleList(Head(width, 1) for _ in channels)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        edges = []
        x = self.after[0](self.before[0](features[0]))
        edges.append(self.heads[0](x))
        for i in range(1, len(features)):
            coarse = F.interpolate(
                self.before[i](features[i]), scale_factor=2**i, mode="bilinear", align_corners=False
            )
            x = self.after[i](x + coarse)
            edges.append(self.heads[i](x))
        return edges


class DFN(Network):
    """With more `classes` than two, a logit of each but the first against it: (N, classes - 1, H, W)."""

    def __init__(self, trunk: resnet.Trunk | mobilenetv2.Trunk, width: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        channels = trunk.channels[1:]
        self.smooth = Smooth(channels, width)
        self.head = Head(width, classes)
        for name in COARSE:
            self.helpers[name] = Head(width, classes)
        self.helpers["border"] = Border(channels)

    def forward(self, image: Tensor) -> Tensor:
        return self.mask(self.smooth(self.trunk(self.normalise(image))[1:]))

    def mask(self, maps: list[Tensor]) -> Tensor:
        scores = person(self.head(maps[0]))
        return F.interpolate(scores, scale_factor=4, mode="bilinear", align_corners=False)

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        features = self.trunk(self.normalise(image))[1:]
        maps = self.smooth(features)
        outputs = {"mask": self.mask(maps)}
        for name, coarse in zip(COARSE, maps[1:], strict=True):
            outputs[name] = person(self.helpers[name](coarse))
        return outputs | dict(zip(EDGES, self.helpers["border"](features), strict=True))


def resnet101(classes: int = 2) -> DFN:
    return DFN(resnet.Trunk(resnet.RESNET101, stem=resnet.DeepStem), width=512, classes=classes)


def lite() -> DFN:
    return DFN(mobilenetv2.Trunk(), width=64, classes=2)


CARDS = (Card("dfn", resnet101, size=(256, 256)), Card("dfn-lite", lite, size=(256, 256)))
PUBLISHED = (
    Published("dfn-training", partial(resnet101, 21), (3, 512, 512), 90_724_344, None, helpers=True),
    Published("dfn", partial(resnet101, 21), (3, 512, 512), 88_339_058, 275.1e9),
)
