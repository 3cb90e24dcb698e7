"""SeaFormer: attention along rows and columns of squeezed tokens, on a mobile trunk with one fine branch.

Paper: Q. Wan et al., "SeaFormer: Squeeze-enhanced Axial Transformer for Mobile Semantic Segmentation", 2023.
       https://arxiv.org/abs/2301.13156
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 64
Out:   logit (N, 1, H, W), > 0 is person
Size:  seaformer-tiny: 1,652,962 params, 126.7 M MACs at 256 x 256
       seaformer-small: 3,971,026 params, 240.2 M MACs at 256 x 256
Differs from the paper: the batch norm that ends a residual branch starts at one, not at zero. Position
embeddings are stretched as maps of one column.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person, resize_to
from .card import Card, Published
from .network import Network
from .topformer import Block, InvertedResidual, bare


class Variant(NamedTuple):
    """A row of the authors' settings."""

    widths: tuple[int, int, int, int, int]
    """Channels at strides 4, 8, 16, 32, 64."""
    expand: int
    """Of the block that goes to stride 32."""
    depth: int
    """Transformer blocks at stride 32, and again at 64."""
    heads: int
    fused: tuple[int, int]
    """Channels of the head's two fusions."""


TINY = Variant((16, 32, 64, 128, 160), expand=3, depth=2, heads=4, fused=(64, 96))
SMALL = Variant((24, 48, 96, 160, 192), expand=4, depth=3, heads=6, fused=(96, 128))


class Position(nn.Module):
    """Sec. 3.2: what a place on a squeezed axis adds: (N, C, L, 1) -> (N, C, L, 1)."""

    def __init__(self, channels: int, length: int = 16) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(1, channels, length, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + resize_to(self.embedding, x.shape[2:])


class Axis(nn.Module):
    """Sec. 3.2: attention along one axis, the other averaged away: (N, C, L, 1) each -> (N, C, L, 1)."""

    def __init__(self, heads: int, key: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = key**-0.5
        self.at_q = Position(heads * key)
        self.at_k = Position(heads * key)
        self.project = nn.Sequential(nn.ReLU6(), bare(2 * heads * key, 2 * heads * key))

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n, _, length, _ = q.shape
        q, k, v = (x.reshape(n, self.heads, -1, length) for x in (self.at_q(q), self.at_k(k), v))
        weights = (q.transpose(2, 3) @ k * self.scale).softmax(dim=-1)
        seen = v @ weights.transpose(2, 3)
        return self.project(seen.reshape(n, -1, length, 1))


class Attention(nn.Module):
    """Squeeze-enhanced axial attention: rows and columns attend, a depthwise filter keeps detail.

    (N, C, h, w) -> (N, C, h, w).
    """

    def __init__(self, channels: int, heads: int, key: int) -> None:
        super().__init__()
        c_key, c_value = heads * key, 2 * heads * key
        c_all = 2 * c_key + c_value
        self.q = bare(channels, c_key)
        self.k = bare(channels, c_key)
        self.v = bare(channels, c_value)
        self.rows = Axis(heads, key)
        self.columns = Axis(heads, key)
        self.project = nn.Sequential(nn.ReLU6(), bare(c_value, channels))
        self.detail = nn.Sequential(
            ConvBNAct(c_all, c_all, groups=c_all, act=nn.ReLU6), bare(c_all, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        rows = self.rows(*(t.mean(3, keepdim=True) for t in (q, k, v)))
        columns = self.columns(*(t.mean(2, keepdim=True).transpose(2, 3) for t in (q, k, v)))
        gate = F.hardsigmoid(self.project(v + rows + columns.transpose(2, 3)))
        return gate * self.detail(torch.cat([q, k, v], dim=1))


class Trunk(nn.Module):
    """(N, 3, H, W) -> maps at strides 8, 32 and 64."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        a, b, c, d, e = variant.widths
        self.shared = nn.Sequential(
            ConvBNAct(3, 16, stride=2),
            InvertedResidual(16, 16, kernel=3, stride=1, expand=1),
            InvertedResidual(16, a, kernel=3, stride=2, expand=4),
            InvertedResidual(a, a, kernel=3, stride=1, expand=3),
            InvertedResidual(a, b, kernel=5, stride=2, expand=3),
            InvertedResidual(b, b, kernel=5, stride=1, expand=3),
        )
        self.stage32 = nn.Sequential(
            InvertedResidual(b, c, kernel=3, stride=2, expand=3),
            InvertedResidual(c, c, kernel=3, stride=1, expand=3),
            InvertedResidual(c, d, kernel=5, stride=2, expand=variant.expand),
            *(Block(Attention(d, variant.heads, key=16), d, expand=2) for _ in range(variant.depth)),
        )
        self.stage64 = nn.Sequential(
            InvertedResidual(d, e, kernel=3, stride=2, expand=6),
            *(Block(Attention(e, variant.heads, key=24), e, expand=4) for _ in range(variant.depth)),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shared = self.shared(x)
        s32 = self.stage32(shared)
        return shared, s32, self.stage64(s32)


class Fusion(nn.Module):
    """Detail, gated by context: (N, c_in, h, w) and (N, c', h', w') -> (N, c_out, h, w)."""

    def __init__(self, c_in: int, c_context: int, c_out: int) -> None:
        super().__init__()
        self.detail = bare(c_in, c_out)
        self.gate = bare(c_context, c_out)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        return self.detail(detail) * resize_to(F.hardsigmoid(self.gate(context)), detail.shape[2:])


class LightHead(nn.Module):
    """The light head: scores (N, classes, H / 8, W / 8)."""

    def __init__(self, variant: Variant, classes: int) -> None:
        super().__init__()
        (first, second), (_, detail, _, s32, s64) = variant.fused, variant.widths
        self.first = Fusion(detail, s32, first)
        self.second = Fusion(first, s64, second)
        self.score = nn.Sequential(
            ConvBNAct(second, second, kernel=1, groups=second),
            nn.Dropout(0.1),
            nn.Conv2d(second, classes, kernel_size=1),
        )

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        detail, s32, s64 = features
        return self.score(self.second(self.first(detail, s32), s64))


class SeaFormer(Network):
    multiple = 64

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.trunk = Trunk(variant)
        self.head = LightHead(variant, classes=2)

    def forward(self, image: Tensor) -> Tensor:
        logit = person(self.head(self.trunk(self.normalise(image))))
        return F.interpolate(logit, scale_factor=8, mode="bilinear", align_corners=False)


# At 64 px the last stage is one pixel, and a place has nothing to attend to.
CARDS = (
    Card("seaformer-tiny", partial(SeaFormer, TINY), size=(256, 256), smallest=(128, 128)),
    Card("seaformer-small", partial(SeaFormer, SMALL), size=(256, 256), smallest=(128, 128)),
)
PUBLISHED = (
    # The trunks alone; the integers are not printed anywhere: 1.620 M and 3.913 M.
    Published("seaformer-tiny-trunk", partial(Trunk, TINY), (3, 512, 512), None, 467e6),
    Published("seaformer-small-trunk", partial(Trunk, SMALL), (3, 512, 512), None, 877e6),
)
