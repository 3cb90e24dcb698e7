"""Weights by a formula, for networks without trained ones: the same numbers on every machine.

Each value depends on its parameter's name and its own place alone. Norms add 1, so that most of what they
give passes the activation behind them: random layers that cut half of it off enlarge a difference by a fifth
each, and fifty of them any rounding ten thousand times. Then the norms' statistics are moved over drawn
figures, so that activations keep their size through the depth, and the last layer is scaled until the logit
has a spread of a half, for an alpha that is the same all over would agree with anything, and moved until it
is 1 on average: about 0 the mask would be a matter of the last digit everywhere.
"""

from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.card import Card
from ..nets.network import Network
from .pictures import figures

SPREAD = 0.5
LEVEL = 1.0
SETTLING = 4


def filled(card: Card) -> Network:
    """The network of `card` in evaluation mode, filled by the formula."""
    net = card.build()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(_values(name, parameter))
        images = torch.from_numpy(np.concatenate(figures(4, card.smallest, seed=2)))
        for norm in net.modules():
            if isinstance(norm, nn.BatchNorm2d):
                if norm.affine:
                    norm.bias.add_(1)
                norm.reset_running_stats()
                norm.momentum = 0.5
        net.train()
        for module in net.modules():
            if isinstance(module, nn.Dropout | nn.Dropout2d):
                module.eval()
        for _ in range(SETTLING):
            net(images)
        net.eval()
        _spread(net, images)
    return net


def noise(name: str, count: int) -> NDArray[np.float32]:
    """`count` values, even over [-1, 1): the bits of a place, mixed after the manner of splitmix64."""
    bits = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits += np.uint64(crc32(name.encode())) << np.uint64(32)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return ((bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def _values(name: str, parameter: Tensor) -> Tensor:
    values = torch.from_numpy(noise(name, parameter.numel())).view(parameter.shape)
    if parameter.ndim > 1:  # a filter: its output is as large as its input, behind a ReLU
        return values * (6 / max(1, parameter[0].numel())) ** 0.5
    if name.endswith("bias"):
        return values * 0.1
    small = bool((parameter >= 0).all() and (parameter <= 0.5).all())
    if parameter.numel() == 1 or small:
        return parameter + values * 0.05  # a slope or a small scale that its network chose: near it
    return 1 + values * 0.2


def _spread(net: Network, images: Tensor) -> None:
    """Scales the last filter that the logit grows with until its spread is SPREAD, and centres it."""
    ran: list[nn.Module] = []
    with_filters = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
    layers = [module for module in net.modules() if isinstance(module, with_filters | nn.BatchNorm2d)]
    hooks = [module.register_forward_hook(lambda module, *_: ran.append(module)) for module in layers]
    spread = float(net(images).std())
    for hook in hooks:
        hook.remove()
    for head in reversed([module for module in ran if isinstance(module, with_filters)]):
        kept = {name: value.clone() for name, value in head.state_dict().items()}
        for value in head.parameters():
            value.mul_(SPREAD / max(spread, 1e-6))
        if SPREAD / 2 < float(net(images).std()) < 2 * SPREAD:
            _centre(net, images, [head, *reversed(ran)])
            return
        head.load_state_dict(kept)


def _centre(net: Network, images: Tensor, layers: list[nn.Module]) -> None:
    """Moves the logit's mean to LEVEL by the bias of a last channel: that of the first layer that can."""
    off = float(net(images).mean()) - LEVEL
    for layer in layers:
        bias = getattr(layer, "bias", None)
        if bias is None:
            continue
        kept = bias.clone()
        bias[-1] = kept[-1] + 1
        gain = float(net(images).mean()) - LEVEL - off
        for move in (-off, off, -off / gain if abs(gain) > 0.05 else 0.0):
            bias[-1] = kept[-1] + move
            if abs(float(net(images).mean()) - LEVEL) < abs(off) / 2:
                return
        bias.copy_(kept)
