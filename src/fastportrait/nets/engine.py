"""Weights in .safetensors as an engine for `Segmenter`: the network as it was trained, by PyTorch.

RUN finds it through the entry point "safetensors", and so needs no torch itself.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .weights import load


class TorchEngine:
    """See `fastportrait.engines.Engine`. The number of threads is PyTorch's, one for the whole process."""

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        net, about = load(Path(path))
        if threads is not None:
            torch.set_num_threads(threads)
        self.name = f"PyTorch {torch.__version__}, CPU"
        self.size: tuple[int, int] = about.size
        self.card: dict[str, Any] = asdict(about)
        self._net: Any = net.deploy()
        self._remembers = hasattr(net, "step")

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w)."""
        alpha: NDArray[np.float32] = self._net(torch.from_numpy(image)).sigmoid().numpy()
        return alpha

    @torch.inference_mode()
    def start(self) -> tuple[NDArray[np.float32], ...]:
        """The memory before the first frame; empty where the network has none."""
        if not self._remembers:
            return ()
        return tuple(tensor.numpy() for tensor in self._net.state(torch.zeros(1, 3, *self.size)))

    @torch.inference_mode()
    def step(
        self, image: NDArray[np.float32], state: tuple[NDArray[np.float32], ...]
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """A frame and the memory -> its alpha, as by a call, and the new memory."""
        if not state:
            return self(image), ()
        logit, *memory = self._net.step(torch.from_numpy(image), *map(torch.from_numpy, state))
        return logit.sigmoid().numpy(), tuple(tensor.numpy() for tensor in memory)
