"""Where a file first leaves the network: its inner tensors beside the outputs of the network's layers.

Files do not keep the layers' names, so a layer is found by its values: it agrees if any tensor of its shape
in the file, in either layout, holds its output. Converters join a convolution with the norm and the
activation behind it, so these count as one. Layers of another branch may agree behind the fault, so the first
one that does not counts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..nets.network import Network
from .pictures import Picture

Tensors = dict[str, NDArray[np.float32]]
LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
OUTLASTING = (
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.BatchNorm2d,
    nn.ReLU,
    nn.ReLU6,
    nn.Hardswish,
    nn.PReLU,
    nn.SiLU,
)
"""What a converter may join to the layer before it."""


def departs(form: Any, path: Path, net: Network, image: Picture, tolerance: float) -> str:
    """In words, the first layer of `net` whose output is not in `path`; `form` is its format's module."""
    look: Callable[[Path], Callable[[Picture], Tensors]] | None = getattr(form, "inside", None)
    if look is None:
        return f"{form.NAME} does not let one look inside a file"
    try:
        tensors = look(path)(image)
    except Exception as error:  # whatever the runtime says of it: this must not hide that the gate has closed
        return f"its inner tensors cannot be had ({' '.join(str(error).split())[:200]})"
    return first(layers(net, image), tensors, tolerance)


def first(groups: list[tuple[str, list[NDArray[np.float32]]]], tensors: Tensors, tolerance: float) -> str:
    """The first of `groups` none of whose outputs is among `tensors`, to `tolerance` of its largest."""
    by_count: dict[int, list[NDArray[np.float32]]] = {}
    for tensor in tensors.values():
        if tensor.dtype == np.float32:
            by_count.setdefault(tensor.size, []).append(tensor)

    def agrees(output: NDArray[np.float32]) -> bool:
        most = tolerance * (float(np.abs(output).max()) + 1e-6)
        forms = [output, output.transpose(0, 2, 3, 1)] if output.ndim == 4 else [output]
        return any(
            bool(np.abs(tensor.reshape(form.shape) - form).max() <= most)
            for tensor in by_count.get(output.size, [])
            for form in forms
        )

    before = "the input"
    for name, outputs in groups:
        if not any(agrees(output) for output in outputs):
            return f"it departs first at the layer {name}; the last that agrees is {before}"
        before = name
    return f"every layer agrees up to {before}, so it departs behind that"


def layers(net: Network, image: Picture) -> list[tuple[str, list[NDArray[np.float32]]]]:
    """The layers of the deployed network as they run, each with the outputs that may stand for it."""
    deployed = net.deploy()
    ran: list[tuple[str, nn.Module, Tensor]] = []

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                ran.append((name, module, output.detach()))

        return hook

    for name, module in deployed.named_modules():
        if not list(module.children()):
            module.register_forward_hook(keep(name))
    with torch.no_grad():
        deployed(torch.from_numpy(image))
    groups: list[tuple[str, list[Tensor]]] = []
    for name, module, output in ran:
        if groups and isinstance(module, OUTLASTING):
            groups[-1][1].append(output)
        else:
            label = f"{name} ({type(module).__name__})"
            groups.append(
                (label, [output, output.relu(), F.relu6(output)] if isinstance(module, LINEAR) else [output])
            )
    return [(name, [output.numpy() for output in outputs]) for name, outputs in groups]
