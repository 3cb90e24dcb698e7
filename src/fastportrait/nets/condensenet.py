"""CondenseNet: a DenseNet that learns while training which connections to drop, and runs grouped afterwards.

Paper: G. Huang et al., "CondenseNet: An Efficient DenseNet using Learned Group Convolutions", 2017.
       https://arxiv.org/abs/1711.09224
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  condensenet: 10,111,010 params, 1789.6 M MACs at 256 x 256
       once condensed: 3,994,274 params, 809.7 M MACs at 256 x 256
Differs from the paper: there is no dropout (the authors' code has none by default). The batch norm behind a
converted 1x1 convolution stands before the channel shuffle instead of behind it, its channels in the other
order: the same function, but a norm that folds into the convolution. The paper classifies only: the decoder
of `condensenet` is our own choice, 1x1 reductions to 64 channels under a separable U-Net.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, double, person, shuffle
from .card import Card, Published
from .heads import SeparableUNet
from .network import Network

LAYERS, GROWTH = (4, 6, 8, 10, 8), (8, 16, 32, 64, 128)  # the ImageNet network's blocks


class LearnedGroupConv(nn.Module):
    """Sec. 3.1: a 1x1 convolution whose groups drop inputs until each has c_in / condense of them.

    (N, c_in, H, W) -> (N, c_out, H, W). Output o belongs to group o % groups, so that each group of the 3x3
    convolution behind it sees all of these groups. `mask` (groups, c_in) holds what is not dropped.
    """

    mask: Tensor

    def __init__(self, c_in: int, c_out: int, condense: int, groups: int) -> None:
        super().__init__()
        assert c_in % condense == 0, "every stage drops c_in / condense inputs"
        assert c_out % groups == 0, "groups are equal"
        self.weight = nn.Parameter(torch.empty(c_out, c_in, 1, 1))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")
        self.register_buffer("mask", torch.ones(groups, c_in, dtype=torch.bool))
        self.condense = condense
        self.stage = 0  # as far as this run knows: `mask` is what counts, and what is saved

    def grouped(self) -> Tensor:
        """The kernel as (outputs of a group, groups, c_in), dropped weights zero."""
        groups, c_in = self.mask.shape
        return self.weight.view(-1, groups, c_in) * self.mask

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.grouped().view_as(self.weight))

    def advance(self, progress: float) -> None:
        """Sec. 3.1: condense - 1 stages fill the first half of training; at the end of each, every group
        drops the c_in / condense inputs whose weights have the least L1 norm."""
        stage = min(int(progress * 2 * (self.condense - 1)), self.condense - 1)
        if stage > self.stage:
            strength = self.grouped().detach().abs().sum(0)
            strength = strength.masked_fill(~self.mask, -1)  # the dropped come first and stay dropped
            weakest = strength.argsort(1)[:, : stage * (strength.shape[1] // self.condense)]
            self.mask.scatter_(1, weakest, False)
            self.stage = stage

    def lasso(self) -> Tensor:
        """Sec. 3.1: the norm over each group's weights on one input, summed; 0 once all is dropped."""
        if self.stage == self.condense - 1:
            return self.weight.new_zeros(())
        return self.grouped().square().sum(0).clamp_min(1e-6).sqrt().sum()  # the root of 0 has no gradient


class Gather(nn.Module):
    """Sec. 3.1's index layer: channels by number, each as often as wanted, (N, C, ...) -> (N, K, ...)."""

    index: Tensor

    def __init__(self, index: Tensor) -> None:
        super().__init__()
        self.register_buffer("index", index)

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(1, self.index)


class Shuffle(nn.Module):
    """(N, C, H, W), group by group -> the same channels, one of each group in turn."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return shuffle(x, self.groups)


class DenseLayer(nn.Module):
    """Fig. 1, middle, the layer as it trains: (N, c_in, H, W) -> (N, c_in + growth, H, W)."""

    def __init__(self, c_in: int, growth: int, condense: int = 4, groups: int = 4) -> None:
        super().__init__()
        self.growth = growth
        self.body = nn.Sequential(
            nn.BatchNorm2d(c_in),
            nn.ReLU(),
            LearnedGroupConv(c_in, 4 * growth, condense, groups),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, groups=groups, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], dim=1)

    def fuse(self) -> nn.Module:
        """The layer as it runs, equal in output however far it is condensed."""
        norm, _, learned, norm_3x3, _, conv_3x3 = list(self.body)
        assert isinstance(learned, LearnedGroupConv)
        groups = learned.mask.shape[0]
        kept = learned.mask.nonzero()[:, 1].view(groups, -1)
        layer = CondensedLayer(kept, self.growth).to(learned.weight.device)
        _, gathered, _, grouped, norm_grouped, _, _, last = list(layer.body)
        kernel = learned.grouped().detach().transpose(0, 1)  # (groups, outputs of a group, c_in)
        kernel = kernel.gather(2, kept[:, None].expand(-1, kernel.shape[1], -1))
        grouped.load_state_dict({"weight": kernel.flatten(0, 1)[:, :, None, None]})
        unshuffled = torch.arange(4 * self.growth, device=kept.device).view(-1, groups).T.flatten()
        for old, new, channels in ((norm, gathered, kept.flatten()), (norm_3x3, norm_grouped, unshuffled)):
            state = old.state_dict()
            new.load_state_dict({name: v[channels] if v.ndim else v for name, v in state.items()})
        last.load_state_dict(conv_3x3.state_dict())
        return layer


class CondensedLayer(nn.Module):
    """Fig. 1, right, the same layer as it runs: (N, c_in, H, W) -> (N, c_in + growth, H, W).

    `kept` (groups, K) numbers each group's inputs. The norm stands before the convolution, so every gathered
    channel brings its own.
    """

    def __init__(self, kept: Tensor, growth: int) -> None:
        super().__init__()
        groups, chosen, c_mid = kept.shape[0], kept.numel(), 4 * growth
        self.body = nn.Sequential(
            Gather(kept.flatten()),
            nn.BatchNorm2d(chosen),
            nn.ReLU(),
            nn.Conv2d(chosen, c_mid, kernel_size=1, groups=groups, bias=False),
            nn.BatchNorm2d(c_mid),
            nn.ReLU(),
            Shuffle(groups),
            nn.Conv2d(c_mid, growth, kernel_size=3, padding=1, groups=groups, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], dim=1)


def condensed_layer(c_in: int, growth: int, condense: int = 4, groups: int = 4) -> CondensedLayer:
    """Shaped as after training, its inputs in turn: to be counted, or filled."""
    kept = torch.arange(groups * (c_in // condense)) % c_in
    return CondensedLayer(kept.view(groups, -1), growth)


def condensed_linear(linear: nn.Linear) -> nn.Sequential:
    """The classifier as it runs: of its inputs the half whose columns weigh most (not equal in output)."""
    kept = linear.weight.abs().sum(0).topk(linear.in_features // 2).indices.sort().values
    half = nn.Linear(len(kept), linear.out_features)
    half.load_state_dict({"weight": linear.weight[:, kept], "bias": linear.bias})
    return nn.Sequential(Gather(kept), half)


class Trunk(nn.Module):
    """Sec. 3.2: (N, 3, H, W) -> what every block ends with, [s2, s4, ...], as wide as `channels`.

    All earlier features stay: what lies between two blocks is a pool alone. The growth doubles by the block.
    """

    def __init__(
        self,
        layers: tuple[int, ...] = LAYERS,
        growth: tuple[int, ...] = GROWTH,
        stride: int = 2,
        layer: Callable[[int, int], nn.Module] = DenseLayer,
    ) -> None:
        super().__init__()
        c = 2 * growth[0]
        self.stem = nn.Conv2d(3, c, kernel_size=3, stride=stride, padding=1, bias=False)
        self.blocks = nn.ModuleList()
        self.channels = []
        for n, k in zip(layers, growth, strict=True):
            self.blocks.append(nn.Sequential(*(layer(c + i * k, k) for i in range(n))))
            c += n * k
            self.channels.append(c)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features: list[Tensor] = []
        for block in self.blocks:
            x = block(F.avg_pool2d(x, 2) if features else x)
            features.append(x)
        return features

    def learned(self) -> list[LearnedGroupConv]:
        return [module for module in self.modules() if isinstance(module, LearnedGroupConv)]


class CondenseNet(nn.Module):
    """The published classifier: (N, 3, H, W) -> (N, classes)."""

    def __init__(
        self,
        layers: tuple[int, ...] = LAYERS,
        growth: tuple[int, ...] = GROWTH,
        stride: int = 2,
        classes: int = 1000,
        layer: Callable[[int, int], nn.Module] = DenseLayer,
    ) -> None:
        super().__init__()
        self.trunk = Trunk(layers, growth, stride, layer)
        self.norm = nn.BatchNorm2d(self.trunk.channels[-1])
        self.classifier: nn.Module = nn.Linear(self.trunk.channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.norm(self.trunk(x)[-1]).relu().mean((2, 3)))


class Condensed(CondenseNet):
    """The same as it runs."""

    def __init__(
        self,
        layers: tuple[int, ...] = LAYERS,
        growth: tuple[int, ...] = GROWTH,
        stride: int = 2,
        classes: int = 1000,
        layer: Callable[[int, int], nn.Module] = condensed_layer,
    ) -> None:
        super().__init__(layers, growth, stride, classes, layer)
        assert isinstance(self.classifier, nn.Linear)
        self.classifier = condensed_linear(self.classifier)


class CondenseUNet(Network):
    """The ImageNet trunk, condensed on portraits; its features from 1/4 on under a separable U-Net."""

    def __init__(
        self,
        layers: tuple[int, ...] = LAYERS,
        growth: tuple[int, ...] = GROWTH,
        layer: Callable[[int, int], nn.Module] = DenseLayer,
    ) -> None:
        super().__init__()
        self.trunk = Trunk(layers, growth, layer=layer)
        self.reduce = nn.ModuleList(ConvBNAct(c, 64, kernel=1) for c in self.trunk.channels[1:])
        self.decoder = SeparableUNet([64] * len(self.reduce), widths=(64, 48, 32, 24))

    def forward(self, image: Tensor) -> Tensor:
        features = self.trunk(self.normalise(image))[1:]
        narrow = [reduce(x) for reduce, x in zip(self.reduce, features, strict=True)]
        return double(person(self.decoder(narrow)))  # the decoder ends at 1/2

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        lasso = torch.stack([conv.lasso() for conv in self.trunk.learned()]).sum()
        return {"mask": self(image), "cost_lasso": lasso}

    def advance(self, progress: float) -> None:
        for conv in self.trunk.learned():
            conv.advance(progress)


CARDS = (
    Card("condensenet", CondenseUNet, size=(256, 256), phone=partial(CondenseUNet, layer=condensed_layer)),
)


def _cifar(
    name: str, n: int, growth: tuple[int, ...], training: int, params: int, macs: float
) -> tuple[Published, ...]:
    """Both forms of a CIFAR-10 build of three blocks of `n` layers."""
    builds = [
        partial(build, layers=(n, n, n), growth=growth, stride=1, classes=10)
        for build in (CondenseNet, Condensed)
    ]
    return (
        Published(f"{name}-training", builds[0], (3, 32, 32), training, None),
        Published(name, builds[1], (3, 32, 32), params, macs),
    )


_training_c8 = partial(CondenseNet, layer=partial(DenseLayer, condense=8, groups=8))
_condensed_c8 = partial(Condensed, layer=partial(condensed_layer, condense=8, groups=8))
PUBLISHED = (
    # The authors' own counter prints more than MACs: it adds ReLUs and pools.
    Published("condensenet-74-training", CondenseNet, (3, 224, 224), 11_922_680, None),
    Published("condensenet-74", Condensed, (3, 224, 224), 4_773_944, 516.64e6),
    Published("condensenet-74-c8-training", _training_c8, (3, 224, 224), 11_103_608, None),
    Published("condensenet-74-c8", _condensed_c8, (3, 224, 224), 2_935_416, 261.55e6),
    *_cifar("condensenet-50-cifar", 8, (8, 16, 32), 522_938, 214_186, 27.18e6),
    *_cifar("condensenet-86-cifar", 14, (8, 16, 32), 1_451_594, 516_202, 62.38e6),
    *_cifar("condensenet-122-cifar", 20, (8, 16, 32), 2_840_474, 939_754, 110.55e6),
    *_cifar("condensenet-182-cifar", 30, (12, 24, 48), 13_792_906, 4_209_226, 493.92e6),
)
