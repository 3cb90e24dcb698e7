"""TopDown: our own first portrait network, a MobileNetV2 trunk under a thin top-down decoder, in two sizes.

Papers: M. Sandler et al., "MobileNetV2", 2018 (the trunk). https://arxiv.org/abs/1801.04381
        T.-Y. Lin et al., "Feature Pyramid Networks", 2017 (the top-down sum).
        https://arxiv.org/abs/1612.03144
        W. Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016 (the head's sub-pixels).
        https://arxiv.org/abs/1609.05158
        S.-H. Zhang et al., "PortraitNet", 2019 (the last mask as a channel of `small-video`).
        https://www.sciencedirect.com/science/article/pii/S0097849319300305
        W. Liu et al., "ParseNet", 2015 (the pooled context). https://arxiv.org/abs/1506.04579
In:     image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:    logit (N, 1, H, W), > 0 is person
Size:   small: 450,476 params, 257.0 M MACs at 256 x 256
        small-video: 450,764 params, 261.7 M MACs at 256 x 256
        teacher: 1,912,660 params, 687.5 M MACs at 320 x 320
Differs from the papers: the decoder narrows towards the fine strides, where a phone spends its time, and
filters depthwise; `small` keeps the trunk up to the first 96-channel block, then has two cheap blocks at
stride 32.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, Separable, double
from .card import Card, Published
from .mobilenetv2 import TABLE, InvertedResidual, Row, Trunk
from .network import Network


class Context(nn.Module):
    """What the whole picture shows, added at every place: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.project(x.mean((2, 3), keepdim=True)).relu()


class Decoder(nn.Module):
    """From the coarsest map to stride 2: sums, then separable filters; `widths` channels at strides 2, 4, 8,
    ..."""

    def __init__(self, channels: list[int], widths: tuple[int, ...]) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(
            ConvBNAct(c, w, kernel=1, act=nn.Identity) for c, w in zip(channels, widths, strict=True)
        )
        self.smooth = nn.ModuleList(
            Separable(w, finer) for w, finer in zip(widths, (widths[0], *widths[:-1]), strict=True)
        )
        self.context = Context(widths[-1])

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.context(self.lateral[-1](features[-1]))
        for i in range(len(features) - 2, -1, -1):
            x = double(self.smooth[i + 1](x)) + self.lateral[i](features[i])
        return self.smooth[0](x)


class TopDown(Network):
    def __init__(self, rows: tuple[Row, ...], top: tuple[Row, ...], widths: tuple[int, ...]) -> None:
        """`rows` of MobileNetV2's table, which its ImageNet weights fit; `top`: our own rows above them."""
        super().__init__()
        self.trunk = Trunk(rows)
        self.top = nn.ModuleList()
        channels = list(self.trunk.channels)
        for expand, c, n, stride in top:
            blocks = [InvertedResidual(channels[-1], c, stride, expand)]
            blocks += [InvertedResidual(c, c, 1, expand) for _ in range(n - 1)]
            self.top.append(nn.Sequential(*blocks))
            channels.append(c)
        self.decoder = Decoder(channels, widths)
        # Four logits at stride 2 are one at stride 1: sharper than a bilinear step, and cheaper, for runtimes
        # that compute in blocks of 8 or 16 channels would enlarge one channel as slowly as a whole block.
        self.head = nn.Conv2d(widths[0], 4, kernel_size=3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return self.decode(self.trunk(self.normalise(image)))

    def decode(self, features: list[Tensor]) -> Tensor:
        """The trunk's maps -> the logit."""
        for stage in self.top:
            features.append(stage(features[-1]))
        return F.pixel_shuffle(self.head(self.decoder(features)), 2)


class TopDownVideo(TopDown):
    """The same for video: the last mask goes in beside the image, and nothing but the mask is remembered.

    One picture: `net(image)`. Video: `state = net.state(image)`, then for each frame
    `logit, *state = net.step(image, *state)`. The mask's own filters start at zero, so that it starts as the
    network whose weights it takes.
    """

    def __init__(self, rows: tuple[Row, ...], top: tuple[Row, ...], widths: tuple[int, ...]) -> None:
        super().__init__(rows, top, widths)
        self.before = nn.Conv2d(1, 32, kernel_size=3, stride=2, padding=1, bias=False)
        nn.init.zeros_(self.before.weight)

    def state(self, image: Tensor) -> tuple[Tensor, ...]:
        """Nobody was there: (N, 1, H, W)."""
        return (torch.zeros_like(image[:, :1]),)

    def step(self, image: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """A frame and the last mask -> the logit (N, 1, H, W) and the mask to remember, in [0, 1]."""
        logit = self.seen(image, state[0])
        return logit, logit.sigmoid()

    def forward(self, image: Tensor) -> Tensor:
        return self.seen(image, *self.state(image))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        """The picture as a clip of two frames, for those who have no last mask to give."""
        logit, mask = self.step(image, *self.state(image))
        return {"mask": logit, "mask_again": self.seen(image, mask.detach())}

    def outputs_after(self, image: Tensor, previous: Tensor) -> dict[str, Tensor]:
        """`outputs` of a frame (N, 3, H, W) after the mask `previous` (N, 1, H, W)."""
        return {"mask": self.seen(image, previous)}

    def seen(self, image: Tensor, previous: Tensor) -> Tensor:
        first, *others = self.trunk.stages
        stem, *blocks = first.children()
        x = stem(self.normalise(image)) + self.before(previous)
        for block in blocks:
            x = block(x)
        features = [x]
        for stage in others:
            features.append(stage(features[-1]))
        return self.decode(features)


SMALL: dict[str, Any] = {
    "rows": (*TABLE[:4], (6, 96, 1, 1)),
    "top": ((3, 96, 2, 2),),
    "widths": (16, 24, 32, 48, 64),
}
CARDS = (
    Card("small", partial(TopDown, **SMALL), size=(256, 256)),
    Card("small-video", partial(TopDownVideo, **SMALL), size=(256, 256)),
    Card("teacher", partial(TopDown, TABLE, (), widths=(32, 48, 64, 96, 128)), size=(320, 320)),
)
PUBLISHED: tuple[Published, ...] = ()
