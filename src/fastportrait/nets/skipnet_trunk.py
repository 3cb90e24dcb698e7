"""SkipNet's trunk: residual blocks, the ways round them, and the gates between.

Paper: X. Wang, F. Yu, Z.-Y. Dou, T. Darrell and J. Gonzalez, "SkipNet: Learning Dynamic Routing in
       Convolutional Networks", 2017. https://arxiv.org/abs/1711.09485
In:    image (N, 3, H, W), normalised
Out:   the last block's features
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct
from .skipnet_gates import Memory, relaxed, threshold

Group = tuple[int, int, int]
"""Channels, blocks, stride of the first block."""


class Block(nn.Module):
    """A residual block and the way round it: (N, c_in, H, W) -> (N, c_out, H / stride, W / stride)."""

    def __init__(self, body: nn.Module, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.body = body
        same = stride == 1 and c_in == c_out
        self.shortcut = (
            nn.Identity() if same else ConvBNAct(c_in, c_out, kernel=1, stride=stride, act=nn.Identity)
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.body(x) + self.shortcut(x)).relu()

    def gated(self, x: Tensor, execute: Tensor) -> Tensor:
        """Eq. 1, by arithmetic: `execute` (N, 1) is 1 or 0. Nothing is saved; see `Trunk.skip` for that."""
        short, execute = self.shortcut(x), execute[..., None, None]
        return execute * (self.body(x) + short).relu() + (1 - execute) * short


def basic(c_in: int, c_out: int, stride: int) -> Block:
    """Two 3x3 filters."""
    filters = ConvBNAct(c_in, c_out, stride=stride), ConvBNAct(c_out, c_out, act=nn.Identity)
    return Block(nn.Sequential(*filters), c_in, c_out, stride)


def bottleneck(c_in: int, c_out: int, stride: int) -> Block:
    """1x1, 3x3 and 1x1 filters, a quarter as wide within."""
    mid = c_out // 4
    filters = (
        ConvBNAct(c_in, mid, kernel=1),
        ConvBNAct(mid, mid, stride=stride),
        ConvBNAct(mid, c_out, kernel=1, act=nn.Identity),
    )
    return Block(nn.Sequential(*filters), c_in, c_out, stride)


def stack(kind: Callable[[int, int, int], Block], c_in: int, groups: Iterable[Group]) -> list[Block]:
    """The blocks of a ResNet, in order."""
    blocks = []
    for c_out, n, first_stride in groups:
        for i in range(n):
            blocks.append(kind(c_in, c_out, first_stride if i == 0 else 1))
            c_in = c_out
    return blocks


def widths(groups: Iterable[Group]) -> list[int]:
    """Channels behind each block."""
    return [c for c, n, _ in groups for _ in range(n)]


class Trunk(nn.Module):
    """(N, 3, H, W) -> the last block's features. The first block always runs; gate i sees the output of block
    i and decides about block i + 1."""

    blocks: list[Block]

    def __init__(
        self,
        stem: nn.Module,
        blocks: list[Block],
        gates: nn.Module,
        decide: Callable[[Tensor], Tensor] = relaxed,
    ) -> None:
        """`decide`: what a gate's logit means while it trains; in evaluation it is compared with zero."""
        super().__init__()
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)  # type: ignore[assignment]
        self.gates = gates
        self.decide = decide

    def forward(self, x: Tensor) -> Tensor:
        return self.route(x)[0]

    def route(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The features, and (N, gates) each: the gates' logits, and 1 where the block was executed."""
        decide = self.decide if self.training else threshold
        first, *others = self.blocks
        x = first(self.stem(x))
        memory: Memory = ()
        logits, executed = [], []
        for index, block in enumerate(others):
            logit, memory = self.gates(index, x, memory)
            execute = decide(logit)
            x = block.gated(x, execute)
            logits.append(logit)
            executed.append(execute)
        return x, torch.cat(logits, dim=1), torch.cat(executed, dim=1)

    def skip(self, x: Tensor) -> Tensor:
        """What `forward` gives in evaluation, for one image, without computing what it skips.

        For PyTorch alone: a tracer would freeze the way that one image took.
        """
        if x.shape[0] != 1:
            raise ValueError(f"one image at a time can skip, not {x.shape[0]}")
        first, *others = self.blocks
        x = first(self.stem(x))
        memory: Memory = ()
        for index, block in enumerate(others):
            logit, memory = self.gates(index, x, memory)
            x = block(x) if logit > 0 else block.shortcut(x)
        return x

    def static(self, kept: Sequence[bool]) -> nn.Sequential:
        """An ordinary network of copies: the first block, and of the others those `kept`, one flag a gate."""
        first, *others = self.blocks
        ways: list[nn.Module] = [
            block if keep else block.shortcut for block, keep in zip(others, kept, strict=True)
        ]
        return deepcopy(nn.Sequential(self.stem, first, *(w for w in ways if not isinstance(w, nn.Identity))))


def computation(executed: Tensor) -> Tensor:
    """(N, gates) -> (N,): the share of blocks that each image ran, with the one that always runs."""
    return (1 + executed.sum(1)) / (1 + executed.shape[1])
