"""Robust Video Matting: a decoder that remembers, so that a matte stays still from frame to frame.

Paper: S. Lin et al., "Robust High-Resolution Video Matting with Temporal Guidance", 2021.
       https://arxiv.org/abs/2108.11515
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16; from the second frame on, the memory
Out:   logit (N, 1, H, W) of alpha, > 0 is person; `step` gives the new memory too
Size:  rvm: 3,747,757 params, 1995.9 M MACs at 256 x 256
Differs from the paper: alpha comes as a logit, where the paper cuts a plain number off at 0 and 1, and
without colours of the foreground: our data have none to learn from. The segmentation head is a helper.
Training unrolls two steps on the same still picture instead of clips, so that the memory learns something.
The decoder sees the image normalised, as the trunk does. The deep guided filter, for frames larger than the
network's image, is part of the published build only.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, double, resize_to
from .card import Card, Published
from .mobilenetv3 import LARGE, Trunk
from .network import Network

State = tuple[Tensor, ...]
"""The memory at strides 2, 4, 8, 16: (N, 16, H/2, W/2), (N, 20, H/4, W/4), (N, 40, ...), (N, 64, ...)."""


class Context(nn.Module):
    """LR-ASPP without its scores: (N, c_in, h, w) -> (N, c_out, h, w)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.here = ConvBNAct(c_in, c_out, kernel=1)
        self.gate = nn.Conv2d(c_in, c_out, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.here(x) * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()


class ConvGRU(nn.Module):
    """Eq. 1: what is seen (N, C, h, w) and what is remembered (N, C, h, w) -> what to remember."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 2 * channels, kernel_size=3, padding=1)  # keep, read
        self.fresh = nn.Conv2d(2 * channels, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        keep, read = self.gates(torch.cat([x, memory], dim=1)).sigmoid().chunk(2, dim=1)
        fresh = self.fresh(torch.cat([x, read * memory], dim=1)).tanh()
        return keep * memory + (1 - keep) * fresh


class Remember(nn.Module):
    """The second half of the channels goes through a ConvGRU, the first passes by."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = ConvGRU(channels // 2)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        passed, seen = x.chunk(2, dim=1)
        memory = self.gru(seen, memory)
        return torch.cat([passed, memory], dim=1), memory


class Upsample(nn.Module):
    """Coarse map, enlarged, beside the trunk's map and the image of that size; filtered, then remembered."""

    def __init__(self, c_in: int, skip: int, c_out: int) -> None:
        super().__init__()
        self.join = ConvBNAct(c_in + skip + 3, c_out)
        self.remember = Remember(c_out)

    def forward(self, x: Tensor, skip: Tensor, image: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.remember(self.join(torch.cat([double(x), skip, image], dim=1)), memory)


class Decoder(nn.Module):
    """Sec. 3.2: image, the trunk's maps, the memory -> what the heads read (N, 16, H, W), the new memory."""

    def __init__(self) -> None:
        super().__init__()
        self.context = Context(960, 128)
        self.s16 = Remember(128)
        self.s8 = Upsample(128, 40, 80)
        self.s4 = Upsample(80, 24, 40)
        self.s2 = Upsample(40, 16, 32)
        self.s1 = nn.Sequential(ConvBNAct(32 + 3, 16), ConvBNAct(16, 16))

    def forward(self, image: Tensor, features: list[Tensor], state: State) -> tuple[Tensor, State]:
        """`features`: of 16, 24, 40, 112, 960 channels at strides 2, 4, 8, 16, 16."""
        s2, s4, s8, _, s16 = features
        half = F.avg_pool2d(image, 2)
        quarter = F.avg_pool2d(half, 2)
        eighth = F.avg_pool2d(quarter, 2)
        x, m16 = self.s16(self.context(s16), state[3])
        x, m8 = self.s8(x, s8, eighth, state[2])
        x, m4 = self.s4(x, s4, quarter, state[1])
        x, m2 = self.s2(x, s2, half, state[0])
        return self.s1(torch.cat([double(x), image], dim=1)), (m2, m4, m8, m16)


class DeepGuidedFilter(nn.Module):
    """A small matte becomes a large one, as a linear function of the large image around each place.

    Sec. 3.3, after H. Wu et al., "Fast End-to-End Trainable Guided Filter", 2018.
    https://arxiv.org/abs/1803.05619. The guide of alpha is the image's grey.
    """

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.mean = nn.Conv2d(4, 4, kernel_size=3, padding=1, groups=4, bias=False)
        nn.init.constant_(self.mean.weight, 1 / 9)
        self.slope = nn.Sequential(
            ConvBNAct(4 + 4 + hidden, hidden, kernel=1),
            ConvBNAct(hidden, hidden, kernel=1),
            nn.Conv2d(hidden, 4, kernel_size=1),
        )

    def forward(self, frame: Tensor, image: Tensor, matte: Tensor, hidden: Tensor) -> Tensor:
        """(N, 3, H, W); at the network's size its image, colours and alpha (N, 4, h, w) and (N, 16, h, w)."""
        guide, large = (torch.cat([x, x.mean(1, keepdim=True)], dim=1) for x in (image, frame))
        mean_x, mean_y = self.mean(guide), self.mean(matte)
        covariance = self.mean(guide * matte) - mean_x * mean_y
        variance = self.mean(guide * guide) - mean_x * mean_x
        slope = self.slope(torch.cat([covariance, variance, hidden], dim=1))
        offset = mean_y - slope * mean_x
        size = frame.shape[2:]
        return resize_to(slope, size) * large + resize_to(offset, size)


def nothing(image: Tensor) -> State:
    """The memory before the first frame."""
    n, _, h, w = image.shape
    return tuple(
        image.new_zeros(n, c, h // stride, w // stride) for c, stride in ((16, 2), (20, 4), (40, 8), (64, 16))
    )


class Matting(nn.Module):
    """The published network: a normalised image -> colours of the foreground, less the image, and alpha."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(LARGE, output_stride=16)
        self.decoder = Decoder()
        self.matte = nn.Conv2d(16, 4, kernel_size=1)
        self.segmentation = nn.Conv2d(16, 1, kernel_size=1)  # for the batches that have masks, not mattes
        self.refiner = DeepGuidedFilter()

    def forward(self, image: Tensor) -> Tensor:
        """A first frame at the network's own size: (N, 3, H, W) -> (N, 4, H, W)."""
        return self.matte(self.decoder(image, self.trunk(image), nothing(image))[0])

    def refined(self, frame: Tensor, image: Tensor) -> Tensor:
        """A first frame (N, 3, H, W) that the network sees as `image` (N, 3, h, w) -> (N, 4, H, W)."""
        hidden, _ = self.decoder(image, self.trunk(image), nothing(image))
        return self.refiner(frame, image, self.matte(hidden), hidden)


class RVM(Network):
    """One picture: `net(image)`. Video: `state = net.state(image)`, then for each frame
    `logit, *state = net.step(image, *state)`."""

    multiple = 16

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(LARGE, output_stride=16)
        self.decoder = Decoder()
        self.head = nn.Conv2d(16, 1, kernel_size=1)
        self.helpers["segmentation"] = nn.Conv2d(16, 1, kernel_size=1)

    def state(self, image: Tensor) -> State:
        """The memory before the first frame, in plain tensors: see `State`."""
        return nothing(image)

    def step(self, image: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """A frame and the memory -> its logit (N, 1, H, W) and the new memory, four tensors."""
        image = self.normalise(image)
        hidden, state = self.decoder(image, self.trunk(image), state)
        return self.head(hidden), *state

    def forward(self, image: Tensor) -> Tensor:
        return self.step(image, *self.state(image))[0]

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        """The picture as a clip of two frames: only the second has something to remember."""
        image = self.normalise(image)
        features = self.trunk(image)
        first, state = self.decoder(image, features, nothing(image))
        second, _ = self.decoder(image, features, state)
        return {
            "mask": self.head(first),
            "mask_again": self.head(second),
            "mask_segmentation": self.helpers["segmentation"](second),
        }


CARDS = (Card("rvm", RVM, size=(256, 256)),)
PUBLISHED = (
    Published("rvm", Matting, (3, 288, 512), 3_748_633, 4.50e9),
    Published("rvm-256", Matting, (3, 256, 256), 3_748_633, 2.00e9),
)
