"""TopDown: our own family of portrait networks, inverted residuals under a thin top-down decoder.

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
        base: 1,912,660 params, 440.0 M MACs at 256 x 256
Differs from the papers: the decoder narrows towards the fine strides, where a phone spends its time, and
filters depthwise. Every width is a number of the plan (plan.py), so that a network can be pruned and
searched; `small` keeps MobileNetV2's trunk up to the first 96-channel block, then has two cheap blocks at
stride 32.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, Separable, double
from .card import Card, Published
from .mobilenetv2 import TABLE, Row
from .network import Network
from .plan import Block, Plan


class Context(nn.Module):
    """What the whole picture shows, added at every place: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.project(x.mean((2, 3), keepdim=True)).relu()


class Bottleneck(nn.Module):
    """Expand 1x1, filter depthwise 3x3, project 1x1 linearly, or as its plan says. Its layers have the names
    of `mobilenetv2.InvertedResidual`."""

    def __init__(self, c_in: int, block: Block, stride: int, skip: bool) -> None:
        super().__init__()
        c_mid = block.hidden or c_in
        self.skip = skip
        layers: list[nn.Module] = []
        if block.full:
            layers = [ConvBNAct(c_in, c_mid, stride=stride, act=nn.ReLU6)]
        else:
            if block.hidden:
                layers = [ConvBNAct(c_in, c_mid, kernel=1, act=nn.ReLU6)]
            layers.append(ConvBNAct(c_mid, c_mid, stride=stride, groups=c_mid, act=nn.ReLU6))
        self.body = nn.Sequential(*layers, ConvBNAct(c_mid, block.channels, kernel=1, act=nn.Identity))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class Trunk(nn.Module):
    """(N, 3, H, W) -> the maps of the plan's stages below `top`, from fine to coarse."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        stem = ConvBNAct(3, plan.stem, kernel=plan.patch + 1, stride=plan.patch, act=nn.ReLU6)
        stages = [nn.Sequential(stem, *stage(plan, 0))]
        stages += [nn.Sequential(*stage(plan, i)) for i in range(1, len(plan.stages) - plan.top)]
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def stage(plan: Plan, index: int) -> list[Bottleneck]:
    """The blocks of a stage."""
    c_in, made = plan.channels[index - 1] if index else plan.stem, []
    for turn, block in enumerate(plan.stages[index]):
        stride = 2 if index and not turn else 1
        made.append(Bottleneck(c_in, block, stride, plan.shortcut(index, turn)))
        c_in = block.channels
    return made


class Decoder(nn.Module):
    """From the coarsest map to the finest: sums, then separable filters; `widths` channels at each stride,
    the finest first, and `last` come out."""

    def __init__(self, channels: list[int], widths: tuple[int, ...], last: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(
            ConvBNAct(c, w, kernel=1, act=nn.Identity) for c, w in zip(channels, widths, strict=True)
        )
        self.smooth = nn.ModuleList(
            Separable(w, finer) for w, finer in zip(widths, (last, *widths[:-1]), strict=True)
        )
        self.context = Context(widths[-1])

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.context(self.lateral[-1](features[-1]))
        for i in range(len(features) - 2, -1, -1):
            x = double(self.smooth[i + 1](x)) + self.lateral[i](features[i])
        return self.smooth[0](x)


class TopDown(Network):
    def __init__(self, plan: Plan) -> None:
        super().__init__(*(() if plan.normalised else ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))))
        self.plan, self.multiple = plan, plan.multiple
        self.trunk = Trunk(plan)
        self.top = nn.ModuleList()
        below = len(plan.stages) - plan.top
        for i in range(below, len(plan.stages)):
            self.top.append(nn.Sequential(*stage(plan, i)))
        last = plan.last or plan.widths[0]
        self.decoder = Decoder(plan.channels[plan.first :], plan.widths, last)
        # Four logits at stride 2 are one at stride 1: sharper than a bilinear step, and cheaper, for runtimes
        # that compute in blocks of 8 or 16 channels would enlarge one channel as slowly as a whole block.
        self.head = nn.Conv2d(last, plan.shuffle**2, kernel_size=plan.head, padding=plan.head // 2)

    def normalise(self, image: Tensor) -> Tensor:
        return super().normalise(image) if self.plan.normalised else image

    def forward(self, image: Tensor) -> Tensor:
        return self.decode(self.trunk(self.normalise(image)))

    def decode(self, features: list[Tensor]) -> Tensor:
        """The trunk's maps -> the logit."""
        for stage in self.top:
            features.append(stage(features[-1]))
        return F.pixel_shuffle(self.head(self.decoder(features[self.plan.first :])), self.plan.shuffle)


class TopDownVideo(TopDown):
    """The same for video: the last mask goes in beside the image, and nothing but the mask is remembered.

    One picture: `net(image)`. Video: `state = net.state(image)`, then for each frame
    `logit, *state = net.step(image, *state)`. The mask's own filters start at zero, so that it starts as the
    network whose weights it takes.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.before = nn.Conv2d(1, plan.stem, plan.patch + 1, plan.patch, plan.patch // 2, bias=False)
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


def from_table(rows: tuple[Row, ...], top: tuple[Row, ...], widths: tuple[int, ...]) -> Plan:
    """`rows` of MobileNetV2's table, which its ImageNet weights fit; `top`: our own rows above them."""
    stages: list[list[Block]] = [[]]
    c_in = STEM
    for expand, c, n, stride in (*rows, *top):
        if stride == 2:
            stages.append([])
        for _ in range(n):
            stages[-1].append(Block(c_in * expand if expand > 1 else 0, c))
            c_in = c
    return Plan(STEM, tuple(map(tuple, stages)), widths, top=sum(row[3] == 2 for row in top))


STEM = 32
"""MobileNetV2's."""
SMALL = from_table((*TABLE[:4], (6, 96, 1, 1)), ((3, 96, 2, 2),), (16, 24, 32, 48, 64))
BASE = from_table(TABLE, (), (32, 48, 64, 96, 128))
CARDS = (
    Card("small", partial(TopDown, SMALL), size=(256, 256)),
    Card("small-video", partial(TopDownVideo, SMALL), size=(256, 256)),
    Card("base", partial(TopDown, BASE), size=(256, 256)),
)
PUBLISHED: tuple[Published, ...] = ()
