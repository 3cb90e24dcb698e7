"""SkipNet's gates: small networks that look at a block's output and decide whether the next block runs.

Paper: X. Wang, F. Yu, Z.-Y. Dou, T. Darrell and J. Gonzalez, "SkipNet: Learning Dynamic Routing in
       Convolutional Networks", 2017. https://arxiv.org/abs/1711.09485
In:    features of the block before, (N, C, h, w)
Out:   logit of executing the next block, (N, 1): > 0 executes
Differs from the paper: a softmax over two scores is the sigmoid of their difference, so that every gate gives
one logit; all gates start out in favour of executing (bias `EXECUTE`), for a block that nobody runs learns
nothing. The authors' public code starts them without a preference.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, person

EXECUTE = 3.0
"""What the gates' logit starts around: blocks run with a chance of 95 %."""
Memory = tuple[Tensor, ...]
"""What a gate hands on to the next one for the same image: nothing, or an LSTM's state."""


class FeedForward(nn.Module):
    """Sec. 3.2: a convolutional gate a block, (N, C, h, w) -> (N, 1). No gate knows of the others."""

    def __init__(self, channels: Sequence[int], filters: Sequence[nn.Module]) -> None:
        """`channels` of the features that each gate sees, `filters` that each looks through."""
        super().__init__()
        self.filters = nn.ModuleList(filters)
        scores = [nn.Linear(c, 2) for c in channels]  # skip, execute
        for score in scores:
            nn.init.zeros_(score.bias)
            nn.init.constant_(score.bias[1:], EXECUTE)
        self.scores = nn.ModuleList(scores)

    def forward(self, index: int, x: Tensor, memory: Memory = ()) -> tuple[Tensor, Memory]:
        scores = self.scores[index](self.filters[index](x).mean((2, 3)))
        return person(scores), memory


class FeedForwardI(FeedForward):
    """FFGate-I, for networks of up to 100 layers: pool, filter, filter with stride 2."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(
            channels,
            [nn.Sequential(nn.MaxPool2d(2), ConvBNAct(c, c), ConvBNAct(c, c, stride=2)) for c in channels],
        )


class FeedForwardII(FeedForward):
    """FFGate-II, for deeper networks: one filter with stride 2."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels, [ConvBNAct(c, c, stride=2) for c in channels])


class Cell(nn.Module):
    """One step of an LSTM (S. Hochreiter and J. Schmidhuber, 1997) as two linear layers and arithmetic, which
    every exporter knows: (N, C) and the state, two of (N, C) -> the new state."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.see = nn.Linear(channels, 4 * channels)
        self.recall = nn.Linear(channels, 4 * channels)

    def forward(self, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        write, keep, new, show = (self.see(x) + self.recall(hidden)).chunk(4, dim=1)
        cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
        return show.sigmoid() * cell.tanh(), cell


class Recurrent(nn.Module):
    """Sec. 3.2: one LSTM steps from block to block, and remembers what it decided: (N, C, h, w) -> (N, 1).

    It sees the features' mean alone, so that it decides about the image as a whole. It takes hardly any
    multiply-accumulates, though many small operations; its first layer is all that each block has of its own.
    """

    def __init__(self, channels: Sequence[int], width: int = 10) -> None:
        """`channels` of the features at each step; `width` of the LSTM."""
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(c, width) for c in channels)
        self.cell = Cell(width)
        self.score = nn.Linear(width, 1)
        nn.init.constant_(self.score.bias, EXECUTE)

    def forward(self, index: int, x: Tensor, memory: Memory = ()) -> tuple[Tensor, Memory]:
        seen = self.embed[index](x.mean((2, 3)))
        hidden, cell = memory or (torch.zeros_like(seen), torch.zeros_like(seen))
        hidden, cell = self.cell(seen, hidden, cell)
        return self.score(hidden), (hidden, cell)


def threshold(logit: Tensor) -> Tensor:
    """What the gate thinks more likely: 1 executes, 0 skips; `logit > 0` for ncnn, which cannot compare."""
    return logit.detach().clamp(0, 1).ceil()


def relaxed(logit: Tensor) -> Tensor:
    """Sec. 3.3, the supervised stage: the same decision, with the gradient of its probability.

    The difference is exactly zero, so that the value is exactly 0 or 1.
    """
    chance = logit.sigmoid()
    return threshold(logit) + (chance - chance.detach())


def sampled(logit: Tensor) -> Tensor:
    """Sec. 3.3, the stage with rewards: a decision drawn with the gate's probability. It has no gradient."""
    chance = logit.detach().sigmoid()
    return (torch.rand_like(chance) < chance).to(logit.dtype)


def log_probability(logit: Tensor, decision: Tensor) -> Tensor:
    """log of the probability with which a gate of `logit` takes `decision` (0 or 1)."""
    return F.logsigmoid(logit) * decision + F.logsigmoid(-logit) * (1 - decision)
