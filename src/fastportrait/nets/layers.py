"""What a network is made of, layer by layer, as it runs: counted on shapes alone."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from .card import Macs


@dataclass
class Layer:
    """A module, at one call of it."""

    name: str
    """As in the state dict; empty for the network itself."""
    kind: str
    """Its class, with kernel, stride, dilation and groups where it is a convolution."""
    depth: int
    """0: the network; 1: its parts; ..."""
    shape: tuple[int, ...] = ()
    """What comes out, without the batch: (channels, height, width)."""
    params: int = 0
    macs: int = 0
    """Multiply-accumulates, what lies below it included."""
    leaf: bool = False
    module: nn.Module = field(default_factory=nn.Module, repr=False)


def layers(build: Callable[[], nn.Module], size: tuple[int, int], channels: int = 3) -> list[Layer]:
    """Every module that runs for an image of `size`, in the order in which it runs; the network first."""
    with torch.device("meta"):
        net, image = build().eval(), torch.empty(1, channels, *size)
    found: list[Layer] = []
    open_calls: list[Layer] = []
    macs = Macs()

    def before(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object) -> None:
            layer = Layer(name, _kind(module), len(open_calls), macs=-macs.total, module=module)
            layer.params = sum(p.numel() for p in module.parameters())
            layer.leaf = not any(True for _ in module.children())
            found.append(layer)
            open_calls.append(layer)

        return hook

    def after(module: nn.Module, inputs: object, output: object) -> None:
        layer = open_calls.pop()
        layer.macs += macs.total
        first = next(iter(output), None) if isinstance(output, tuple | list) else output
        layer.shape = tuple(first.shape[1:]) if isinstance(first, Tensor) else ()

    for name, module in net.named_modules():
        module.register_forward_pre_hook(before(name))
        module.register_forward_hook(after)
    with macs, torch.no_grad():
        net(image)
    return found


def _kind(module: nn.Module) -> str:
    name = type(module).__name__
    if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return name
    kernel = "x".join(str(k) for k in module.kernel_size)
    words = [name, kernel]
    if module.stride[0] > 1:
        words.append(f"/{module.stride[0]}")
    if max(module.dilation) > 1:
        words.append(f"dilated {max(module.dilation)}")
    if module.groups > 1:
        words.append("depthwise" if module.groups == module.in_channels else f"in {module.groups} groups")
    return " ".join(words)


def table(found: list[Layer], depth: int) -> list[tuple[str, str, str, str, str]]:
    """(name, kind, output, parameters, MACs) of the layers down to `depth`, as text."""
    rows, above = [], [""] * (depth + 1)
    for layer in found:
        if layer.depth > depth:
            continue
        above[layer.depth] = layer.name + "."
        own = layer.name.removeprefix(above[layer.depth - 1]) if layer.depth > 1 else layer.name
        name = "  " * (layer.depth - 1) + own or "(all)"
        shape = " x ".join(str(n) for n in layer.shape)
        rows.append((name, layer.kind, shape, f"{layer.params:,}", f"{layer.macs / 1e6:.2f} M"))
    return rows
