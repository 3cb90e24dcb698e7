"""BiSeNetV2: a wide shallow branch for detail, a narrow deep one for meaning, each guiding the other.

Paper: C. Yu et al., "BiSeNet V2: Bilateral Network with Guided Aggregation for Real-time Semantic
       Segmentation", 2020. https://arxiv.org/abs/2004.02147
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  bisenetv2: 3,340,946 params, 3057.6 M MACs at 256 x 256
Differs from the paper: as in the port whose counts we meet, the context block's last filter has batch norm
and ReLU, a gather-and-expansion layer a ReLU behind its last depthwise filter, and a booster a second filter
at twice the size. The portrait network's context block has a first norm without scale and shift: the filter
behind it scales, and the norm behind that takes any shift away again.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person
from .card import Card, Published
from .network import Network


def bare(c_in: int, c_out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> ConvBNAct:
    """Convolution and batch norm, no activation."""
    return ConvBNAct(c_in, c_out, kernel, stride, groups, act=nn.Identity)


class Detail(nn.Sequential):
    """Table 1, left: (N, 3, H, W) -> (N, 128, H / 8, W / 8)."""

    def __init__(self) -> None:
        super().__init__(
            *(ConvBNAct(3, 64, stride=2), ConvBNAct(64, 64)),
            *(ConvBNAct(64, 64, stride=2), ConvBNAct(64, 64), ConvBNAct(64, 64)),
            *(ConvBNAct(64, 128, stride=2), ConvBNAct(128, 128), ConvBNAct(128, 128)),
        )


class Stem(nn.Module):
    """Fig. 4 a: stride 4 in two ways at once: (N, 3, H, W) -> (N, 16, H / 4, W / 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvBNAct(3, 16, stride=2)
        self.filtered = nn.Sequential(ConvBNAct(16, 8, kernel=1), ConvBNAct(8, 16, stride=2))
        self.merge = ConvBNAct(32, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        pooled = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)
        return self.merge(torch.cat([self.filtered(x), pooled], dim=1))


class GatherExpand(nn.Module):
    """Fig. 5: gather with a 3x3, expand six times depthwise, project.

    (N, c_in, H, W) -> (N, c_out, H / stride, W / stride).
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        c_mid = 6 * c_in
        expand: list[nn.Module] = [ConvBNAct(c_in, c_mid, groups=c_in)]
        self.skip: nn.Module = nn.Identity()
        if stride == 2:
            expand = [bare(c_in, c_mid, stride=2, groups=c_in), ConvBNAct(c_mid, c_mid, groups=c_mid)]
            self.skip = nn.Sequential(bare(c_in, c_in, stride=2, groups=c_in), bare(c_in, c_out, kernel=1))
        self.body = nn.Sequential(ConvBNAct(c_in, c_in), *expand, bare(c_mid, c_out, kernel=1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.body(x) + self.skip(x)).relu()


class Context(nn.Module):
    """Fig. 4 b: what the whole picture shows, added at every place: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.whole = ConvBNAct(channels, channels, kernel=1)
        self.last = ConvBNAct(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x + self.whole(self.norm(x.mean((2, 3), keepdim=True))))


class Semantic(nn.Module):
    """Table 1, right: (N, 3, H, W) -> maps of strides 4, 8, 16, 32, and the last with its context."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                Stem(),
                nn.Sequential(GatherExpand(16, 32, stride=2), GatherExpand(32, 32)),
                nn.Sequential(GatherExpand(32, 64, stride=2), GatherExpand(64, 64)),
                nn.Sequential(GatherExpand(64, 128, stride=2), *(GatherExpand(128, 128) for _ in range(3))),
            ]
        )
        self.context = Context()

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features, self.context(x)


class Aggregation(nn.Module):
    """Fig. 6: each branch is gated by the other at its own size; the gated two are summed and filtered."""

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        c = channels
        self.detail = nn.Sequential(bare(c, c, groups=c), nn.Conv2d(c, c, kernel_size=1, bias=False))
        self.detail_down = nn.Sequential(bare(c, c, stride=2), nn.AvgPool2d(3, stride=2, padding=1))
        self.meaning_up = bare(c, c)
        self.meaning = nn.Sequential(bare(c, c, groups=c), nn.Conv2d(c, c, kernel_size=1, bias=False))
        self.last = ConvBNAct(c, c)

    def forward(self, detail: Tensor, meaning: Tensor) -> Tensor:
        """(N, C, 4 h, 4 w) and (N, C, h, w) -> (N, C, 4 h, 4 w)."""
        fine = self.detail(detail) * quadruple(self.meaning_up(meaning)).sigmoid()
        coarse = self.detail_down(detail) * self.meaning(meaning).sigmoid()
        return self.last(fine + quadruple(coarse))


def quadruple(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)


class Body(nn.Module):
    """Fig. 3: (N, 3, H, W) -> scores (N, classes, H / 8, W / 8), and what the boosters look at."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.detail = Detail()
        self.semantic = Semantic()
        self.aggregate = Aggregation()
        self.head = nn.Sequential(
            ConvBNAct(128, 1024), nn.Dropout(0.1), nn.Conv2d(1024, classes, kernel_size=1)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features, meaning = self.semantic(x)
        return self.head(self.aggregate(self.detail(x), meaning)), features


class Booster(nn.Sequential):
    """Sec. 4.4: a head on one stage of the semantic branch: (N, C, h, w) -> (N, classes, 2 h, 2 w)."""

    def __init__(self, channels: int, stride: int, classes: int) -> None:
        super().__init__(
            ConvBNAct(channels, 128),
            nn.Dropout(0.1),
            nn.Upsample(scale_factor=2),
            ConvBNAct(128, stride * stride),
            nn.Conv2d(stride * stride, classes, kernel_size=1),
        )


def boosters(classes: int) -> dict[str, nn.Module]:
    widths = {4: 16, 8: 32, 16: 64, 32: 128}
    return {f"s{stride}": Booster(c, stride, classes) for stride, c in widths.items()}


class Cityscapes(nn.Module):
    """The published build: (N, 3, H, W) -> scores (N, 19, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body(classes=19)
        self.helpers = nn.ModuleDict(boosters(classes=19))

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.body(x)[0], scale_factor=8, mode="bilinear", align_corners=False)


class BiSeNetV2(Network):
    def __init__(self) -> None:
        super().__init__()
        self.body = Body(classes=2)
        self.body.semantic.context.norm = nn.BatchNorm2d(128, affine=False)
        self.helpers.update(boosters(classes=2))

    def forward(self, image: Tensor) -> Tensor:
        return self.mask(self.body(self.normalise(image))[0])

    def mask(self, scores: Tensor) -> Tensor:
        return F.interpolate(person(scores), scale_factor=8, mode="bilinear", align_corners=False)

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        scores, features = self.body(self.normalise(image))
        boosted = zip(self.helpers.items(), features, strict=True)
        return {"mask": self.mask(scores)} | {f"mask_{name}": person(head(x)) for (name, head), x in boosted}


CARDS = (Card("bisenetv2", BiSeNetV2, size=(256, 256)),)
PUBLISHED = (
    # The integers are not printed anywhere: 3.359 M, and 5.231 M with the boosters.
    Published("bisenetv2", Cityscapes, (3, 512, 1024), None, 24.6e9),
    Published("bisenetv2-boosters", Cityscapes, (3, 512, 1024), None, 24.6e9, helpers=True),
)
