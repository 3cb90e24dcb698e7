"""What a network sees on the way to its mask, so that another can learn to see alike.

No layer has to be named: taken is the last map of the coarsest scale, where every network has gathered what
the picture is about. Two networks' channels mean different things; compared is which places of the picture
each finds alike (`losses.outputs.affinity`).
"""

from typing import Any

import torch
from torch import Tensor, nn

COARSEST = 32
"""The largest stride that counts: what is smaller is no map, but a summary."""


def coarsest(net: nn.Module, size: tuple[int, int]) -> str:
    """The name of the module of `net` that gives its last map of the coarsest scale, up to `COARSEST`, for an
    image of `size`. Raises `ValueError` where there is none."""
    least = (size[0] // COARSEST) * (size[1] // COARSEST)
    seen: list[tuple[int, str]] = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, given: Any, value: Any) -> None:
            if isinstance(value, Tensor) and value.ndim == 4 and value.shape[1] > 1:
                height, width = value.shape[-2:]
                if height * width >= least and height > 1:
                    seen.append((height * width, name))

        return hook

    hooks = [module.register_forward_hook(watch(name)) for name, module in net.named_modules() if name]
    training = net.training
    try:
        device = next(net.parameters()).device
        with torch.no_grad():
            net.eval()(torch.zeros(1, 3, *size, device=device))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    if not seen:
        raise ValueError(f"{type(net).__name__} has no map of features inside: leave the loss `features` out")
    area = min(area for area, _ in seen)
    return next(name for found, name in reversed(seen) if found == area)


class Look:
    """Keeps in `seen` what the module `name` of `net` gave last: (N, C, h, w)."""

    def __init__(self, net: nn.Module, name: str) -> None:
        self.name = name
        self.seen: Tensor | None = None
        net.get_submodule(name).register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, given: Any, value: Tensor) -> None:
        self.seen = value

    def take(self) -> Tensor:
        """What was seen, once: it is not kept longer than it is needed."""
        seen, self.seen = self.seen, None
        assert seen is not None, f"{self.name} has not run"
        return seen
