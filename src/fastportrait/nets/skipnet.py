"""SkipNet: a ResNet that decides for every image anew which of its blocks to run.

Paper: X. Wang, F. Yu, Z.-Y. Dou, T. Darrell and J. Gonzalez, "SkipNet: Learning Dynamic Routing in
       Convolutional Networks", 2017. https://arxiv.org/abs/1711.09485
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 16
Out:   logit (N, 1, H, W), > 0 is person
Size:  skipnet-sp: 620,791 params, 349.0 M MACs at 256 x 256, all blocks executed
       skipnet: 620,791 params, 349.0 M MACs at 256 x 256, all blocks executed
       skipnet-ff: 1,124,212 params, 399.1 M MACs at 256 x 256, all blocks executed
Differs from the paper: it classifies. For masks the CIFAR network of 38 layers gets a stem that ends at
stride 4, so that its three groups lie at strides 4, 8 and 16, and MobileNetV2's lite pyramid on top: many
narrow blocks leave more to decide than a few wide ones. The loss of a mask replaces that of a class. The
policy gradient has the batch's mean return as its baseline (`losses.policy`). The published builds have a
gate behind the last block, as the authors' code does, where nothing uses it; the portrait builds do not.
`skipnet-sp` is the network of the supervised stage and `skipnet` that of the stage with rewards: the same
weights, decided another way while they train.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person
from .card import Card, Published
from .heads import LiteASPP
from .network import Network
from .skipnet_gates import FeedForwardI, FeedForwardII, Recurrent, log_probability, relaxed, sampled
from .skipnet_trunk import Group, Trunk, basic, bottleneck, computation, stack, widths

Gates = Callable[[Sequence[int]], nn.Module]
"""Makes the gates for features of so many channels each."""


class Classifier(nn.Module):
    """The published networks: (N, 3, H, W) -> (N, classes)."""

    def __init__(self, trunk: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.trunk(x).mean((2, 3)))


def cifar(n: int, gates: Gates | None = None, classes: int = 10) -> Classifier:
    """ResNet of 6n + 2 layers for 32 x 32 pictures, plain or with `gates`."""
    groups = ((16, n, 1), (32, n, 2), (64, n, 2))
    stem, blocks = ConvBNAct(3, 16), stack(basic, 16, groups)
    trunk = Trunk(stem, blocks, gates(widths(groups))) if gates else nn.Sequential(stem, *blocks)
    return Classifier(trunk, 64, classes)


def imagenet(n: int, gates: Gates | None = None, classes: int = 1000) -> Classifier:
    """ResNet of bottlenecks with `n` blocks in its third group: 6 in ResNet-50, 23 in ResNet-101."""
    groups = ((256, 3, 1), (512, 4, 2), (1024, n, 2), (2048, 3, 2))
    stem = nn.Sequential(ConvBNAct(3, 64, kernel=7, stride=2), nn.MaxPool2d(3, 2, padding=1))
    blocks = stack(bottleneck, 64, groups)
    trunk = Trunk(stem, blocks, gates(widths(groups))) if gates else nn.Sequential(stem, *blocks)
    return Classifier(trunk, 2048, classes)


class Portrait(Network):
    """Features at stride 16 under MobileNetV2's lite pyramid."""

    multiple = 16

    def __init__(self, trunk: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        return self.mask(self.trunk(self.normalise(image)))

    def mask(self, features: Tensor) -> Tensor:
        logit = person(self.head(features))
        return F.interpolate(logit, scale_factor=16, mode="bilinear", align_corners=False)


GROUPS: tuple[Group, ...] = ((16, 6, 1), (32, 6, 2), (64, 6, 2))


class SkipNet(Portrait):
    """The supervised stage: decisions are hard, their gradient is that of the probability behind them."""

    trunk: Trunk

    def __init__(self, gates: Gates = Recurrent, decide: Callable[[Tensor], Tensor] = relaxed) -> None:
        stem = nn.Sequential(ConvBNAct(3, 16, stride=2), nn.MaxPool2d(3, 2, padding=1))
        blocks = stack(basic, 16, GROUPS)
        super().__init__(
            Trunk(stem, blocks, gates(widths(GROUPS)[:-1]), decide), LiteASPP(GROUPS[-1][0], width=128)
        )

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        features, _, executed = self.trunk.route(self.normalise(image))
        return {"mask": self.mask(features), "cost_compute": computation(executed).mean()}

    def usage(self, image: Tensor) -> Tensor:
        """(N, gates): 1 where the image runs the gated block, 0 where it skips it; in evaluation mode."""
        return self.trunk.route(self.normalise(image))[2]

    def skip(self, image: Tensor) -> Tensor:
        """What `forward` gives for one image (1, 3, H, W) in evaluation mode, at the cost of what it runs."""
        return self.mask(self.trunk.skip(self.normalise(image)))

    def static(self, usage: Tensor, least: float) -> Portrait:
        """An ordinary network for every exporter: blocks that a smaller share of images than `least` ran are
        gone, the others always run. `usage`: (N, gates), or its mean (gates,)."""
        kept = (usage.reshape(-1, usage.shape[-1]).mean(0) >= least).tolist()
        return Portrait(self.trunk.static(kept), deepcopy(self.head)).train(self.training)


class RewardedSkipNet(SkipNet):
    """The stage with rewards: decisions are drawn, and learn from what they saved and what it cost."""

    def __init__(self, gates: Gates = Recurrent, reward: float = 0.1) -> None:
        """`reward` (the paper's alpha): what an image earns that skips every block."""
        super().__init__(gates, sampled)
        self.reward = reward

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        features, logits, executed = self.trunk.route(self.normalise(image))
        log = log_probability(logits.float(), executed)
        rewards = self.reward / executed.shape[1] * (1 - executed)
        return {"mask": self.mask(features), "policy": torch.stack([log, rewards], dim=1)}


CARDS = (
    Card("skipnet-sp", SkipNet, size=(256, 256)),
    Card("skipnet", RewardedSkipNet, size=(256, 256)),
    Card("skipnet-ff", partial(SkipNet, FeedForwardI), size=(256, 256)),
)
# MACs are those of full execution, published for the plain networks; gates add to them.
PUBLISHED = (
    Published("skipnet-38-base", partial(cifar, 6), (3, 32, 32), 564_122, 83.3e6),
    Published("skipnet-74-base", partial(cifar, 12), (3, 32, 32), 1_147_418, 168.2e6),
    Published("skipnet-110-base", partial(cifar, 18), (3, 32, 32), 1_730_714, 253.2e6),
    Published("skipnet-38-ff", partial(cifar, 6, FeedForwardI), (3, 32, 32), 1_148_798, None),
    Published("skipnet-74-ff", partial(cifar, 12, FeedForwardI), (3, 32, 32), 2_316_770, None),
    Published("skipnet-110-ff", partial(cifar, 18, FeedForwardII), (3, 32, 32), 2_609_798, None),
    Published("skipnet-38-rnn", partial(cifar, 6, Recurrent), (3, 32, 32), 571_913, None),
    Published("skipnet-110-rnn", partial(cifar, 18, Recurrent), (3, 32, 32), 1_752_305, None),
    Published("resnet-50-base", partial(imagenet, 6), (3, 224, 224), 25_557_032, None),
    Published("resnet-101-base", partial(imagenet, 23), (3, 224, 224), 44_549_160, 7.80e9),
    Published("skipnet-50-rnn", partial(imagenet, 6, Recurrent), (3, 224, 224), 25_709_123, None),
    Published("skipnet-101-rnn", partial(imagenet, 23, Recurrent), (3, 224, 224), 44_875_501, 7.80e9),
)
