"""SegNet: VGG16's convolutions, and their mirror image that unpools with the encoder's own maxima.

Paper: V. Badrinarayanan, A. Kendall and R. Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder
       Architecture for Image Segmentation", 2015. https://arxiv.org/abs/1511.00561
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  segnet: 1,845,266 params, 2538.6 M MACs at 256 x 256
       segnet-half: 7,367,714 params, 10060.0 M MACs at 256 x 256
       segnet-full: 29,444,162 params, 40051.4 M MACs at 256 x 256
Differs from the paper: two classes; all widths x 0.25 (segnet) and x 0.5 (segnet-half), for the whole is too
heavy for a phone; ImageNet's mean and deviation instead of local contrast normalisation of the image, for so
VGG16's public weights were trained; PyTorch's own initial weights where the paper takes He's, whose scale the
batch norms take out again. The published builds are those of the authors' network definitions.
"""

from functools import partial

from torch import Tensor, nn

from .blocks import person
from .card import Card, Published
from .checkpoints import renamed
from .network import Network
from .unpool import MaxPool, MaxUnpool, Place

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""VGG16's channels and convolutions before each pooling (fig. 2)."""


class Conv(nn.Sequential):
    """Convolution with bias, batch norm, activation: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 3, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__(nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2), nn.BatchNorm2d(c_out), act())


class Encoder(nn.Module):
    """VGG16 without its linear layers: (N, 3, H, W) -> (N, C, H/32, W/32), and the five places of maxima.

    Where a side is odd, half of it is rounded up, as Caffe does: 45 -> 23.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        c_in = 3
        for channels, count in STAGES:
            c = int(channels * width)
            self.stages.append(nn.Sequential(Conv(c_in, c), *(Conv(c, c) for _ in range(count - 1))))
            c_in = c
        self.pool = MaxPool()

    def forward(self, x: Tensor) -> tuple[Tensor, list[Place]]:
        places = []
        for stage in self.stages:
            x, place = self.pool(stage(x))
            places.append(place)
        return x, places


class Decoder(nn.Module):
    """The encoder backwards: (N, C, H/32, W/32) and its places -> (N, classes, H, W).

    The last convolution of a stage already has the width of the next finer one; the very last gives the
    scores, without norm or activation.
    """

    def __init__(self, classes: int, width: float = 1.0) -> None:
        super().__init__()
        self.unpool = MaxUnpool()
        self.stages = nn.ModuleList()
        for (channels, count), (finer, _) in zip(STAGES[:0:-1], STAGES[-2::-1], strict=True):
            c = int(channels * width)
            self.stages.append(
                nn.Sequential(*(Conv(c, c) for _ in range(count - 1)), Conv(c, int(finer * width)))
            )
        c = int(STAGES[0][0] * width)
        self.stages.append(nn.Sequential(Conv(c, c), nn.Conv2d(c, classes, 3, padding=1)))

    def forward(self, x: Tensor, places: list[Place]) -> Tensor:
        for stage, place in zip(self.stages, reversed(places), strict=True):
            x = stage(self.unpool(x, place))
        return x


class SegNet(nn.Module):
    """As published: image (N, 3, H, W), normalised -> scores (N, classes, H, W)."""

    def __init__(self, classes: int = 11) -> None:
        super().__init__()
        self.trunk = Encoder()
        self.decoder = Decoder(classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(*self.trunk(x))


class SegNetBasic(nn.Module):
    """The small one of sec. 3.3: four 7x7 convolutions down, four up, 64 channels everywhere, the image
    normalised across its colours: (N, 3, H, W), RGB in [0, 255] -> scores (N, classes, H, W)."""

    def __init__(self, classes: int = 11) -> None:
        super().__init__()
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.down = nn.ModuleList(Conv(c_in, 64, kernel=7) for c_in in (3, 64, 64, 64))
        self.up = nn.ModuleList(Conv(64, 64, kernel=7, act=nn.Identity) for _ in range(4))
        self.score = nn.Conv2d(64, classes, kernel_size=1)
        self.pool, self.unpool = MaxPool(), MaxUnpool()

    def forward(self, x: Tensor) -> Tensor:
        x, places = self.norm(x), []
        for conv in self.down:
            x, place = self.pool(conv(x))
            places.append(place)
        for conv in self.up:
            x = conv(self.unpool(x, places.pop()))
        return self.score(x)


class SegNetPortrait(Network):
    """`SegNet` with two classes, `width` times as wide."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.trunk = Encoder(width)
        self.decoder = Decoder(2, width)

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(*self.trunk(self.normalise(image))))


CARDS = (
    Card("segnet", partial(SegNetPortrait, width=0.25), size=(256, 256)),
    Card("segnet-half", partial(SegNetPortrait, width=0.5), size=(256, 256)),
    Card("segnet-full", SegNetPortrait, size=(256, 256)),
)
PUBLISHED = (
    Published("segnet-camvid", SegNet, (3, 360, 480), 29_449_355, 106.3e9),
    Published("segnet-cityscapes", partial(SegNet, classes=20), (3, 360, 640), 29_454_548, 142.9e9),
    Published("segnet-basic", SegNetBasic, (3, 360, 480), 1_416_587, 59.2e9),
)


class VGG16(nn.Module):
    """What `SegNet` starts from: (N, 3, H, W), normalised -> (N, 512, H/32, W/32)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Encoder()

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(x)[0]


DROPPED = frozenset(f"classifier.{i}.{leaf}" for i in (0, 3, 6) for leaf in ("weight", "bias"))
"""VGG16's linear layers, most of its weights: SegNet is what remains without them (sec. 3)."""


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A VGG16 with batch norms in torchvision's layout -> the names of `SegNet`'s trunk.

    Raises `ValueError` on a key that has no place here and on a layer that gets none (`checkpoints.renamed`).
    Dropped is what `DROPPED` names.
    """
    state = {key: value for key, value in state.items() if key not in DROPPED}
    return renamed(state, _torchvision_places(), "a VGG16 with batch norms in torchvision's layout")


def _torchvision_places() -> dict[str, str]:
    """Layer names there -> here: they number convolutions, norms, activations and poolings through."""
    places: dict[str, str] = {}
    index = 0
    for stage, (_, count) in enumerate(STAGES):
        for i in range(count):
            places |= {f"features.{index + j}": f"trunk.stages.{stage}.{i}.{j}" for j in (0, 1)}
            index += 3
        index += 1
    return places
