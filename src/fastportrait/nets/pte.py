"""ExecuTorch's .pte files as an engine for `Segmenter`.

RUN finds it through the entry point "pte", and so needs neither torch nor ExecuTorch itself; importing them
takes some ten seconds. ExecuTorch has one pool of threads for the whole process.
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it calls its own interface experimental, at import
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime, Verification

FLOAT = 6
"""torch.float32 as ExecuTorch numbers it."""


class PteEngine:
    """See `fastportrait.engines.Engine`. Calls from several threads take turns."""

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        if threads is not None:
            portable_lib._unsafe_reset_threadpool(threads)  # before the load: a delegate keeps its pool
        # A method reads from its program, which must live as long.
        self._program = Runtime.get().load_program(path, verification=Verification.Minimal)
        self.name = f"ExecuTorch {version('executorch')}, XNNPACK on the CPU"
        self.size = self._size(path)
        self.card: dict[str, Any] = self._card(path)
        self._forward = self._program.load_method("forward")
        self._turn = Lock()

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w)."""
        with self._turn:
            (alpha,) = self._forward.execute([torch.from_numpy(image)])
            found: NDArray[np.float32] = alpha.numpy().copy()
        return found

    def _size(self, path: str | Path) -> tuple[int, int]:
        names = self._program.method_names
        if "forward" in names:
            form = self._program.metadata("forward")
            if form.num_inputs() == form.num_outputs() == 1:
                ends = form.input_tensor_meta(0), form.output_tensor_meta(0)
                (one, channels, height, width), given = (tuple(end.sizes()) for end in ends)
                floats = all(end.dtype() == FLOAT for end in ends)
                if floats and (one, channels) == (1, 3) and given == (1, 1, height, width):
                    return height, width
        raise ValueError(
            f"{path}: is no portrait network: it must have a method forward from one image (1, 3, h, w) to "
            f"one alpha (1, 1, h, w), both float32; its methods are {', '.join(sorted(names))}"
        )

    def _card(self, path: str | Path) -> dict[str, Any]:
        if "card" not in self._program.method_names:
            return {}
        (text,) = self._program.load_method("card").execute([])
        card = json.loads(text) if isinstance(text, str) else None
        if not isinstance(card, dict):
            raise ValueError(f"{path}: its method card does not give a JSON object")
        return card
