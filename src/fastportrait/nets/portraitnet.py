"""PortraitNet: MobileNetV2 under a light decoder of residual separable blocks, helped by the mask's edge.

Paper: S.-H. Zhang et al., "PortraitNet: Real-time Portrait Segmentation Network for Mobile Device", 2019.
       https://www.sciencedirect.com/science/article/pii/S0097849319300305
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  portraitnet: 2,080,760 params, 361.2 M MACs at 224 x 224
       portraitnet-bilinear: 1,902,584 params, 317.9 M MACs at 224 x 224
Differs from the paper: takes RGB in [0, 1] where the authors take BGR in [0, 255], normalised alike;
`from_authors` converts their weights. All convolutions start as PyTorch starts them, the transposed ones too,
where the authors start these as bilinear enlargement.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from .blocks import ConvBNAct, Separable, person
from .card import Card, Published
from .checkpoints import renamed
from .mobilenetv2 import TABLE
from .network import Network

# They compute (bgr - (103.94, 116.78, 123.68)) * 0.017 on values from 0 to 255. With bgr = 255 rgb[::-1]
# it is (rgb - (123.68, 116.78, 103.94) / 255) / (1 / (0.017 * 255)), channel by channel.
MEAN = (123.68 / 255, 116.78 / 255, 103.94 / 255)
STD = (1 / (0.017 * 255),) * 3

WIDTHS = (96, 32, 24, 16, 8)
"""Channels of the decoder's steps, the coarsest first."""
Up = Callable[[int], nn.Module]


class InvertedResidual(nn.Module):
    """MobileNetV2's block with ReLU, and with an expanding 1x1 even where it does not expand."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1, expand: int = 6) -> None:
        super().__init__()
        c_mid = c_in * expand
        self.skip = stride == 1 and c_in == c_out
        self.body = nn.Sequential(
            ConvBNAct(c_in, c_mid, kernel=1),
            ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid),
            ConvBNAct(c_mid, c_out, kernel=1, act=nn.Identity),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class Encoder(nn.Module):
    """(N, c_in, H, W) -> [s2, s4, s8, s16, s32] with 16, 24, 32, 96 and 320 channels."""

    def __init__(self, c_in: int = 3) -> None:
        super().__init__()
        channels = 32
        stages: list[list[nn.Module]] = [[ConvBNAct(c_in, channels, stride=2)]]
        for expand, c_out, n, first_stride in TABLE:
            if first_stride == 2:
                stages.append([])
            for i in range(n):
                stages[-1].append(InvertedResidual(channels, c_out, first_stride if i == 0 else 1, expand))
                channels = c_out
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class Transition(nn.Module):
    """Two separable filters with a shortcut: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Separable(c_in, c_out),
            ConvBNAct(c_out, c_out, groups=c_out),
            ConvBNAct(c_out, c_out, kernel=1, act=nn.Identity),
        )
        self.shortcut = ConvBNAct(c_in, c_out, kernel=1, act=nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        return (self.shortcut(x) + self.body(x)).relu()


def deconvolution(channels: int) -> nn.Module:
    """(N, C, H, W) -> (N, C, 2H, 2W), every channel from all of them."""
    return nn.ConvTranspose2d(channels, channels, kernel_size=4, stride=2, padding=1, bias=False)


def grouped_deconvolution(channels: int) -> nn.Module:
    """The same, each channel from itself; the authors hold its filters at bilinear enlargement."""
    return nn.ConvTranspose2d(
        channels, channels, kernel_size=4, stride=2, padding=1, groups=channels, bias=False
    )


def bilinear(channels: int) -> nn.Module:
    """The same enlargement without filters."""
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


class Decoder(nn.Module):
    """[s2, ..., s32] of an image (N, 3, H, W) -> (N, 8, H, W)."""

    def __init__(self, up: Up) -> None:
        super().__init__()
        self.transitions = nn.ModuleList(
            Transition(c_in, c_out) for c_in, c_out in zip((320, *WIDTHS[:-1]), WIDTHS, strict=True)
        )
        self.ups = nn.ModuleList(up(width) for width in WIDTHS)

    def forward(self, features: list[Tensor]) -> Tensor:
        _, s4, s8, s16, x = features  # nothing is added at stride 2
        for transition, up, skip in zip(self.transitions, self.ups, (s16, s8, s4), strict=False):
            x = up(transition(x)) + skip
        for transition, up in zip(self.transitions[3:], self.ups[3:], strict=True):
            x = up(transition(x))
        return x


def head() -> nn.Conv2d:
    """(N, 8, H, W) -> scores of two classes (N, 2, H, W)."""
    return nn.Conv2d(WIDTHS[-1], 2, kernel_size=3, padding=1, bias=False)


class Segmentation(nn.Module):
    """The published network: (N, c_in, H, W) -> scores (N, 2, H, W); the fourth input is the last mask."""

    def __init__(self, up: Up = deconvolution, c_in: int = 3) -> None:
        super().__init__()
        self.trunk = Encoder(c_in)
        self.decoder = Decoder(up)
        self.score = head()

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.decoder(self.trunk(x)))


class PortraitNet(Network):
    def __init__(self, up: Up = deconvolution) -> None:
        super().__init__(MEAN, STD)
        self.trunk = Encoder()
        self.decoder = Decoder(up)
        self.score = head()
        self.helpers["edge_s1"] = head()

    def forward(self, image: Tensor) -> Tensor:
        return person(self.score(self.decoder(self.trunk(self.normalise(image)))))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        x = self.decoder(self.trunk(self.normalise(image)))
        return {"mask": person(self.score(x)), "edge_s1": person(self.helpers["edge_s1"](x))}


CARDS = (
    Card("portraitnet", PortraitNet, size=(224, 224)),
    Card("portraitnet-bilinear", partial(PortraitNet, bilinear), size=(224, 224)),
)
IMAGE = (3, 224, 224)
PUBLISHED = (
    Published("portraitnet", Segmentation, IMAGE, 2_080_760, 361.2e6),
    Published("portraitnet-grouped", partial(Segmentation, grouped_deconvolution), IMAGE, None, 320.8e6),
    Published("portraitnet-bilinear", partial(Segmentation, bilinear), IMAGE, None, 317.9e6),
    Published("portraitnet-prior", partial(Segmentation, c_in=4), (4, 224, 224), 2_081_048, None),
)


def from_authors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in the authors' layout -> `PortraitNet`'s names, taking RGB instead of BGR.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    """
    found = renamed(state, _authors_places(), "a PortraitNet in the authors' layout")
    first = "trunk.stages.0.0.0.weight"
    return found | {first: found[first].flip(1)}


def _authors_places() -> dict[str, str]:
    """Layer names there -> here: they number MobileNetV2's rows through, we number blocks within a stride."""
    places = {f"stage0.{j}": f"trunk.stages.0.0.{j}" for j in (0, 1)}
    stage, place = 0, 1
    for row, (_, _, n, first_stride) in enumerate(TABLE, start=1):
        if first_stride == 2:
            stage, place = stage + 1, 0
        for i in range(n):
            there = f"stage{row}.{i}.conv" if n > 1 else f"stage{row}.conv"
            here = f"trunk.stages.{stage}.{place}.body"
            places |= {f"{there}.{3 * k + j}": f"{here}.{k}.{j}" for k in range(3) for j in (0, 1)}
            place += 1
    for i in range(len(WIDTHS)):
        there, here = f"transit{i + 1}", f"decoder.transitions.{i}"
        places |= {f"{there}.block.0.{3 * k + j}": f"{here}.body.0.{k}.{j}" for k in (0, 1) for j in (0, 1)}
        places |= {
            f"{there}.block.{1 + 3 * k + j}": f"{here}.body.{1 + k}.{j}" for k in (0, 1) for j in (0, 1)
        }
        places |= {f"{there}.residual.{j}": f"{here}.shortcut.{j}" for j in (0, 1)}
        places[f"deconv{i + 1}"] = f"decoder.ups.{i}"
    return places | {"pred": "score", "edge": "helpers.edge_s1"}
