"""What each channel of a trained network is worth: how much the loss would change without it, to first order.

Paper: P. Molchanov et al., "Importance Estimation for Neural Network Pruning", 2019 (a gate on each channel,
       the squared gradient of the loss to it, eq. 8). https://arxiv.org/abs/1906.10771
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..data.shards import decode, read_parts, shards
from ..losses import boundary, mask
from ..nets.inherit import groups
from ..nets.topdown import TopDown
from ..transform import SQUASH, resize, to_network


def worth(net: TopDown, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """(channels,) of each group of `net`, larger where more is lost; `batches`: image (N, 3, H, W) in [0, 1]
    and alpha (N, 1, H, W)."""
    asked = deepcopy(net).eval()
    norms = {name: module for name, module in asked.named_modules() if isinstance(module, nn.BatchNorm2d)}
    gates = {name: [norms[gate] for gate in group.gates] for name, group in groups(net.plan).items()}
    found = {name: torch.zeros(group.count) for name, group in groups(net.plan).items()}
    seen = 0
    for image, alpha in batches:
        asked.zero_grad()
        logit, certain = asked(image), torch.ones_like(alpha)
        # Of each picture by itself the gradient would be better, and as many times as dear.
        loss = mask(logit, alpha, certain, image) + boundary(logit, alpha, certain, image)
        loss.backward()  # type: ignore[no-untyped-call]
        for name, on in gates.items():
            found[name] += torch.stack([_gate(norm) for norm in on]).sum(0) ** 2
        seen += 1
    if not seen:
        raise ValueError("no pictures to judge the channels by")
    return {name: value / seen for name, value in found.items()}


def _gate(norm: nn.BatchNorm2d) -> Tensor:
    """The gradient to a gate of 1 on each channel of what `norm` gives: (channels,)."""
    assert norm.weight.grad is not None
    assert norm.bias.grad is not None
    return (norm.weight * norm.weight.grad + norm.bias * norm.bias.grad).detach()


def pictures(
    data: Path, size: tuple[int, int], count: int, batch: int = 4
) -> Iterator[tuple[Tensor, Tensor]]:
    """`count` pictures of train, spread evenly over its shards and mixed, in batches for `worth`."""
    encoded = [
        (shard, *part) for shard in shards(data, "train") for part in read_parts(shard) if "png" in part[1]
    ]
    chosen = np.linspace(0, len(encoded) - 1, min(count, len(encoded))).round().astype(int)
    chosen = np.random.default_rng(0).permutation(chosen)
    for begin in range(0, len(chosen), batch):
        samples = [decode(*encoded[i]) for i in chosen[begin : begin + batch]]
        images = [torch.from_numpy(to_network(sample.image, size, SQUASH)[0]) for sample in samples]
        alphas = [
            torch.from_numpy(resize(sample.alpha, size).astype(np.float32) / 255)[None, None]
            for sample in samples
            if sample.alpha is not None
        ]
        yield torch.cat(images), torch.cat(alphas)
