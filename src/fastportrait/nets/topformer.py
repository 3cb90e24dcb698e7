"""TopFormer: a transformer on a few hundred tokens of four sizes, poured back into a mobile trunk.

Paper: W. Zhang et al., "TopFormer: Token Pyramid Transformer for Mobile Semantic Segmentation", 2022.
       https://arxiv.org/abs/2204.05525
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 64
Out:   logit (N, 1, H, W), > 0 is person
Size:  topformer-tiny: 1,370,562 params, 113.5 M MACs at 256 x 256
       topformer-small: 3,006,098 params, 248.1 M MACs at 256 x 256
       topformer-base: 5,024,610 params, 398.1 M MACs at 256 x 256
Differs from the paper: the attention is not scaled by its key's width, as the authors' code has it. The batch
norm that ends a residual branch starts at one, not at zero.
"""

from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person, resize_to
from .card import Card, Published
from .network import Network


class Variant(NamedTuple):
    """A row of the authors' settings."""

    widths: tuple[int, int, int, int]
    """Channels at strides 4, 8, 16, 32."""
    last: int
    """Blocks at stride 32."""
    heads: int
    out: int
    """Channels of the sum that is scored."""
    groups: int
    """Of the one filter behind the sum: as many as channels in the smallest."""


TINY = Variant((16, 32, 64, 96), last=2, heads=4, out=128, groups=128)
SMALL = Variant((24, 48, 96, 128), last=3, heads=6, out=192, groups=1)
BASE = Variant((32, 64, 128, 160), last=3, heads=8, out=256, groups=1)


def bare(c_in: int, c_out: int, kernel: int = 1, groups: int = 1) -> ConvBNAct:
    """Convolution and batch norm, no activation."""
    return ConvBNAct(c_in, c_out, kernel, groups=groups, act=nn.Identity)


class InvertedResidual(nn.Module):
    """MobileNetV2's, with ReLU and filters of 3 or 5.

    (N, c_in, H, W) -> (N, c_out, H / stride, W / stride).
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        c_mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        layers: list[nn.Module] = [] if expand == 1 else [ConvBNAct(c_in, c_mid, kernel=1)]
        self.body = nn.Sequential(
            *layers, ConvBNAct(c_mid, c_mid, kernel, stride, groups=c_mid), bare(c_mid, c_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class TokenPyramid(nn.Module):
    """Sec. 3.1: (N, 3, H, W) -> maps at strides 4, 8, 16, 32."""

    def __init__(self, widths: tuple[int, int, int, int], last: int) -> None:
        super().__init__()
        a, b, c, d = widths
        kernels = (5, 5, 3)[:last]
        self.stages = nn.ModuleList(
            [
                nn.Sequential(
                    ConvBNAct(3, 16, stride=2),
                    InvertedResidual(16, 16, kernel=3, stride=1, expand=1),
                    InvertedResidual(16, a, kernel=3, stride=2, expand=4),
                    InvertedResidual(a, a, kernel=3, stride=1, expand=3),
                ),
                nn.Sequential(
                    InvertedResidual(a, b, kernel=5, stride=2, expand=3),
                    InvertedResidual(b, b, kernel=5, stride=1, expand=3),
                ),
                nn.Sequential(
                    InvertedResidual(b, c, kernel=3, stride=2, expand=3),
                    InvertedResidual(c, c, kernel=3, stride=1, expand=3),
                ),
                nn.Sequential(
                    *(
                        InvertedResidual(d if i else c, d, kernel, stride=1 if i else 2, expand=6)
                        for i, kernel in enumerate(kernels)
                    )
                ),
            ]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class Attention(nn.Module):
    """Sec. 3.2: keys of 16 channels a head, values of 32, by 1x1 filters: (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, channels: int, heads: int, key: int = 16) -> None:
        super().__init__()
        self.heads = heads
        self.q = bare(channels, heads * key)
        self.k = bare(channels, heads * key)
        self.v = bare(channels, heads * 2 * key)
        self.project = nn.Sequential(nn.ReLU6(), bare(heads * 2 * key, channels))

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        q, k, v = (of(x).reshape(n, self.heads, -1, h * w) for of in (self.q, self.k, self.v))
        weights = (q.transpose(2, 3) @ k).softmax(dim=-1)
        seen = v @ weights.transpose(2, 3)
        return self.project(seen.reshape(n, -1, h, w))


class Block(nn.Module):
    """Attention, then a feed-forward net with a depthwise 3x3 in it, each beside a shortcut."""

    def __init__(self, attention: nn.Module, channels: int, expand: int) -> None:
        super().__init__()
        c_mid = expand * channels
        self.attention = attention
        self.feed = nn.Sequential(
            bare(channels, c_mid),
            nn.Conv2d(c_mid, c_mid, kernel_size=3, padding=1, groups=c_mid),
            nn.ReLU6(),
            bare(c_mid, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.feed(x)


class Injection(nn.Module):
    """Sec. 3.3, semantics injection: what is here, gated by what the tokens found, plus what they found.

    local (N, c_in, h, w) and tokens (N, c_in, h', w') -> (N, c_out, h, w).
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.local = bare(c_in, c_out)
        self.tokens = bare(c_in, c_out)
        self.gate = bare(c_in, c_out)

    def forward(self, local: Tensor, tokens: Tensor) -> Tensor:
        size = local.shape[2:]
        gate = resize_to(F.hardsigmoid(self.gate(tokens)), size)
        return self.local(local) * gate + resize_to(self.tokens(tokens), size)


class Trunk(nn.Module):
    """Fig. 2: (N, 3, H, W) -> maps of `out` channels at strides 8, 16, 32."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        widths, last, heads, out, _ = variant
        self.pyramid = TokenPyramid(widths, last)
        self.widths = widths
        c = sum(widths)
        self.blocks = nn.Sequential(*(Block(Attention(c, heads), c, expand=2) for _ in range(4)))
        self.inject = nn.ModuleList(Injection(width, out) for width in widths[1:])

    def forward(self, x: Tensor) -> list[Tensor]:
        pyramid = self.pyramid(x)
        pooled = [F.avg_pool2d(x, side) for x, side in zip(pyramid, (16, 8, 4, 2), strict=True)]
        tokens = self.blocks(torch.cat(pooled, dim=1))
        ends = list(accumulate(self.widths))
        parts = [tokens[:, a:b] for a, b in pairwise(ends)]
        return [inject(x, part) for inject, x, part in zip(self.inject, pyramid[1:], parts, strict=True)]


class Head(nn.Module):
    """Sec. 3.3: the maps enlarged to the finest and summed, one filter, scores (N, classes, H / 8, W / 8)."""

    def __init__(self, variant: Variant, classes: int) -> None:
        super().__init__()
        self.filter = ConvBNAct(variant.out, variant.out, kernel=1, groups=variant.groups)
        self.score = nn.Sequential(nn.Dropout(0.1), nn.Conv2d(variant.out, classes, kernel_size=1))

    def forward(self, features: list[Tensor]) -> Tensor:
        total, *coarser = features
        for x in coarser:
            total = total + resize_to(x, total.shape[2:])
        return self.score(self.filter(total))


class ADE20K(nn.Module):
    """The published build: (N, 3, H, W) -> scores (N, 150, H / 8, W / 8)."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.trunk = Trunk(variant)
        self.head = Head(variant, classes=150)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x))


class TopFormer(Network):
    multiple = 64

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.trunk = Trunk(variant)
        self.head = Head(variant, classes=2)

    def forward(self, image: Tensor) -> Tensor:
        logit = person(self.head(self.trunk(self.normalise(image))))
        return F.interpolate(logit, scale_factor=8, mode="bilinear", align_corners=False)


def published(name: str, variant: Variant, macs: float | None) -> Published:
    return Published(f"topformer-{name}", partial(ADE20K, variant), (3, 512, 512), None, macs)


# At 64 px there is one token, and nothing to attend to.
CARDS = (
    Card("topformer-tiny", partial(TopFormer, TINY), size=(256, 256), smallest=(128, 128)),
    Card("topformer-small", partial(TopFormer, SMALL), size=(256, 256), smallest=(128, 128)),
    Card("topformer-base", partial(TopFormer, BASE), size=(256, 256), smallest=(128, 128)),
)
PUBLISHED = (
    # No integers are printed. Measured elsewhere: 1.390 M, 2.998 M and 4.997 M, all with the smallest one's
    # depthwise filter in the head. The authors' settings have it in the smallest alone; for the other two
    # they print 3.1 M and 1.2 G, 5.1 M and 1.8 G, which are ours rounded up.
    published("tiny", TINY, 534e6),
    published("small", SMALL, None),
    published("small-depthwise", SMALL._replace(groups=192), 962e6),
    published("base", BASE, None),
    published("base-depthwise", BASE._replace(groups=256), 1.485e9),
)
