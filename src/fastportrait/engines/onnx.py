"""ONNX files by ONNX Runtime on the CPU.

The contract: one input "image" (1, 3, h, w), RGB in [0, 1], one output "alpha" (1, 1, h, w) in [0, 1], both
float32, h and w fixed in the file. The two names are the promise about colours and range, so a file made
elsewhere that has them runs too; its card, JSON under the metadata key "card", may then be missing.
A network with memory has its tensors beside these: see memory.py.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from . import ModelError
from .memory import INPUT, OUTPUT, State, is_memory, shapes

MANY = 4
"""Threads beyond which a network of a few milliseconds gains nothing."""

_TAG = rb"(?:\x0a|\x8a\x80*\x00)(?:\x08|\x88\x80*\x00)"
_EXTERNAL = re.compile(_TAG + rb"location")
"""The key without which no tensor is external, in protobuf: tag, length (also padded), text."""


class OnnxEngine:
    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        data = Path(path).read_bytes()
        if _EXTERNAL.search(data):
            raise ModelError(f"{path}: keeps weights in other files (external data); save it as one file")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or min(MANY, _cores())
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what is wrong is raised below, in words
        try:
            session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has a class of its own for each way a file is wrong
            raise ModelError(
                f"{path}: ONNX Runtime cannot load it: {' '.join(str(error).split())[:300]}"
            ) from None
        self.name = f"ONNX Runtime {ort.__version__}, CPU"
        self.size = _size(path, session)
        self.card = _card(path, session)
        self._path, self._session = path, session
        self._memory = shapes(path, session.get_inputs(), session.get_outputs())

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w). Safe from several threads."""
        return self.step(image, self.start())[0]

    def start(self) -> State:
        """The memory before the first frame; empty where the network has none."""
        return tuple(np.zeros(shape, np.float32) for shape in self._memory)

    def step(self, image: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """A frame and the memory -> its alpha, as by a call, and the new memory."""
        given = {f"{INPUT}{i}": tensor for i, tensor in enumerate(state)}
        wanted = ["alpha", *(f"{OUTPUT}{i}" for i in range(len(state)))]
        alpha, *memory = self._session.run(wanted, {"image": image, **given})
        low, high = float(alpha.min()), float(alpha.max())
        if not (low >= -1e-3 and high <= 1 + 1e-3):  # not: `nan` is wrong too
            raise ModelError(
                f"{self._path}: its alpha runs from {low:.3g} to {high:.3g}; it must stay in 0..1"
            )
        return alpha.clip(0, 1), tuple(memory)


def _cores() -> int:
    """The cores this process may use: ONNX Runtime's own count is the machine's, also inside a container."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(path: str | Path, session: ort.InferenceSession) -> tuple[int, int]:
    tensors = [t for t in [*session.get_inputs(), *session.get_outputs()] if not is_memory(t.name)]
    found = [(t.name, t.type, t.shape) for t in tensors]
    shape = found[0][2] if found else []
    if len(shape) == 4 and isinstance(shape[2], int) and isinstance(shape[3], int):
        height, width = shape[2:]
        tensor = "tensor(float)"
        if found == [("image", tensor, [1, 3, height, width]), ("alpha", tensor, [1, 1, height, width])]:
            return height, width
    has = "; ".join(f"{name} {kind} {shape}" for name, kind, shape in found)
    raise ModelError(
        f"{path}: is no portrait network: it has {has}; it must have one input image (1, 3, h, w) "
        "and one output alpha (1, 1, h, w), both float32 with fixed sizes"
    )


def _card(path: str | Path, session: ort.InferenceSession) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get("card", "{}")
    try:
        card = json.loads(text)
    except ValueError:
        card = None
    if not isinstance(card, dict):
        raise ModelError(f"{path}: its metadata key 'card' is not a JSON object")
    return card
