"""SINet: blocks that see two sizes of neighbourhood, and a decoder that adds detail only where it is unsure.

Paper: H. Park et al., "SINet: Extreme Lightweight Portrait Segmentation Networks with Spatial Squeeze Modules
       and Information Blocking Decoder", 2019. https://arxiv.org/abs/1911.09099
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  sinet: 86,910 params, 63.9 M MACs at 224 x 224
       sinet-encoder: 86,764 params, 61.8 M MACs at 224 x 224
Differs from the paper: bilinear steps have align_corners=False (the authors': True), so that corners do not
stay where they are, but phones have a kernel for it. The excitation's linear layers are 1x1 convolutions, the
same numbers in another shape. The mask comes from two filters and the softmax: the authors' script trains one
filter with the Lovasz hinge, and the confidence of a softmax over one class is 1 everywhere, which shuts the
decoder's gate.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import double, person, shuffle
from .card import Card, Published
from .network import Network

View = tuple[int, int]

STAGE_2: tuple[tuple[View, View], ...] = (((3, 1), (5, 1)), ((3, 1), (3, 1)))
STAGE_3: tuple[tuple[View, View], ...] = (
    # kernel and squeeze of the two S2-blocks of a module, as in the authors' code
    ((3, 1), (5, 1)),
    ((3, 1), (3, 1)),
    ((5, 1), (3, 2)),
    ((5, 2), (3, 4)),
    ((3, 1), (3, 1)),
    ((5, 1), (5, 1)),
    ((3, 2), (3, 4)),
    ((3, 1), (5, 2)),
)


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class NormAct(nn.Sequential):
    """Batch norm and a PReLU with one slope a channel, behind a sum or a concatenation."""

    def __init__(self, channels: int) -> None:
        super().__init__(norm(channels), nn.PReLU(channels))


class S2Block(nn.Module):
    """S2-block: a depthwise filter on the map made `squeeze` times smaller, then pointwise, and back.

    (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels: int, kernel: int, squeeze: int) -> None:
        super().__init__()
        self.squeeze: nn.Module = nn.Identity()
        self.back: nn.Module = nn.Identity()
        if squeeze > 1:
            self.squeeze = nn.AvgPool2d(squeeze)
            self.back = nn.Upsample(scale_factor=squeeze, mode="bilinear", align_corners=False)
        self.depthwise = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
            norm(channels),
            nn.PReLU(channels),
        )
        self.pointwise = nn.Conv2d(channels, channels, kernel_size=1, bias=False)
        self.norm = norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.back(self.pointwise(self.depthwise(self.squeeze(x)))))

    def fuse(self) -> nn.Module:
        """The norm before the way back: a bilinear step keeps sums of weights, so it may change places with
        any affine map, and then folds into the pointwise filter."""
        pointwise = nn.Sequential(self.pointwise, self.norm)
        return nn.Sequential(self.squeeze, self.depthwise, pointwise, self.back)


class S2Module(nn.Module):
    """S2-module: reduce to half the channels, look at them twice, concatenate.

    (N, c_in, H, W) -> (N, c_out, H, W).
    """

    def __init__(self, c_in: int, c_out: int, views: tuple[View, View]) -> None:
        super().__init__()
        self.skip = c_in == c_out
        self.reduce = nn.Conv2d(c_in, c_out // 2, kernel_size=1, groups=2, bias=False)
        self.views = nn.ModuleList(S2Block(c_out // 2, kernel, squeeze) for kernel, squeeze in views)
        self.act = NormAct(c_out)

    def forward(self, x: Tensor) -> Tensor:
        reduced = shuffle(self.reduce(x), groups=2)
        seen = torch.cat([view(reduced) for view in self.views], dim=1)
        return self.act(x + seen if self.skip else seen)


class Excite(nn.Module):
    """Squeeze and excitation whose last word is a PReLU: its weights may be negative, and larger than 1."""

    def __init__(self, channels: int, divide: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if divide > 1:
            layers = [nn.Conv2d(channels, channels // divide, kernel_size=1), nn.PReLU(channels // divide)]
        self.dense = nn.Sequential(
            *layers, nn.Conv2d(channels // divide, channels, kernel_size=1), nn.PReLU(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.dense(x.mean((2, 3), keepdim=True))


class DownSE(nn.Sequential):
    """Depthwise 3x3 at stride 2, excitation, pointwise: (N, c_in, H, W) -> (N, c_out, H / 2, W / 2)."""

    def __init__(self, c_in: int, c_out: int, divide: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_in, kernel_size=3, stride=2, padding=1, groups=c_in, bias=False),
            Excite(c_in, divide),
            nn.Conv2d(c_in, c_out, kernel_size=1, bias=False),
            norm(c_out),
            nn.PReLU(c_out),
        )


class Trunk(nn.Module):
    """The encoder: (N, 3, H, W) -> detail (N, 48, H / 4, W / 4) and scores (N, classes, H / 8, W / 8)."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 12, kernel_size=3, stride=2, padding=1, bias=False), norm(12), nn.PReLU(12)
        )
        self.down2 = DownSE(12, 16, divide=1)
        self.stage2 = nn.Sequential(*modules(16, 48, STAGE_2))
        self.act2 = NormAct(16 + 48)
        self.down3 = DownSE(16 + 48, 48, divide=2)
        self.stage3 = nn.Sequential(*modules(48, 96, STAGE_3))
        self.act3 = NormAct(48 + 96)
        self.score = nn.Conv2d(48 + 96, classes, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.down2(self.stem(x))
        detail = self.stage2(x)
        x = self.down3(self.act2(torch.cat([x, detail], dim=1)))
        return detail, self.score(self.act3(torch.cat([x, self.stage3(x)], dim=1)))


def modules(c_in: int, c_out: int, rows: tuple[tuple[View, View], ...]) -> list[S2Module]:
    """One S2-module a row; the first widens."""
    return [S2Module(c_in if i == 0 else c_out, c_out, views) for i, views in enumerate(rows)]


class Decoder(nn.Module):
    """Information blocking: detail enters where the coarse scores are unsure of every class.

    detail (N, 48, h, w) and scores (N, classes, h / 2, w / 2) -> scores (N, classes, 4 h, 4 w).
    """

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.norm_coarse = norm(classes)
        self.detail = nn.Sequential(
            nn.Conv2d(48, classes, kernel_size=1, bias=False), norm(classes), nn.PReLU(classes)
        )
        self.norm_fine = norm(classes)
        self.last = nn.Conv2d(classes, classes, kernel_size=3, padding=1, bias=False)

    def forward(self, detail: Tensor, scores: Tensor) -> Tensor:
        coarse = self.norm_coarse(double(scores))
        confidence = coarse.softmax(dim=1).amax(dim=1, keepdim=True)
        fine = coarse + (1 - confidence) * self.detail(detail)
        return self.last(double(self.norm_fine(double(fine))))


class SINetEncoder(Network):
    """The first stage of training: the encoder's own coarse mask, enlarged eight times."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()

    def forward(self, image: Tensor) -> Tensor:
        _, scores = self.trunk(self.normalise(image))
        return F.interpolate(person(scores), scale_factor=8, mode="bilinear", align_corners=False)


class SINet(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.decoder = Decoder()

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(*self.trunk(self.normalise(image))))


CARDS = (
    Card("sinet", SINet, size=(224, 224)),
    Card("sinet-encoder", SINetEncoder, size=(224, 224)),
)
PUBLISHED = (Published("sinet", SINet, (3, 224, 224), 86_910, 63.9e6),)
