"""ONNX files by ONNX Runtime, on the CPU or on a device that it was built for.

The contract: one input "image" (1, 3, h, w), RGB in [0, 1], one output "alpha" (1, 1, h, w) in [0, 1], both
float32, h and w fixed in the file. The two names are the promise about colours and range, so a file made
elsewhere that has them runs too; its card, JSON under the metadata key "card", may then be missing.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from . import ModelError
from .cores import in_range, some_threads
from .devices import provider_of

_TAG = rb"(?:\x0a|\x8a\x80*\x00)(?:\x08|\x88\x80*\x00)"
_EXTERNAL = re.compile(_TAG + rb"location")
"""The key without which no tensor is external, in protobuf: tag, length (also padded), text."""


class OnnxEngine:
    def __init__(self, path: str | Path, threads: int | None = None, device: str | None = None) -> None:
        """`device` is a name in `devices.DEVICES`; None is the CPU."""
        data = Path(path).read_bytes()
        if _EXTERNAL.search(data):
            raise ModelError(f"{path}: keeps weights in other files (external data); save it as one file")
        options = ort.SessionOptions()
        options.intra_op_num_threads = some_threads(threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what is wrong is raised below, in words
        providers = ["CPUExecutionProvider"]
        if device is not None:
            providers.insert(0, provider_of(device, ort.get_available_providers()))
        try:
            session = ort.InferenceSession(data, options, providers=providers)
        except Exception as error:  # ONNX Runtime has a class of its own for each way a file is wrong
            raise ModelError(
                f"{path}: ONNX Runtime cannot load it: {' '.join(str(error).split())[:300]}"
            ) from None
        if session.get_providers()[0] != providers[0]:  # ONNX Runtime itself would go on, on the CPU
            raise ModelError(
                f"{path}: {device} is built in and does not start on this machine; look at its driver, or "
                "leave the engine to be found"
            )
        self.name = f"ONNX Runtime {ort.__version__}, {device or 'CPU'}"
        self.size = _size(path, session)
        self.card = _card(path, session)
        self._path, self._session = path, session

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w). Safe from several threads."""
        alpha: NDArray[np.float32] = self._session.run(["alpha"], {"image": image})[0]
        return in_range(alpha, self._path)


def _size(path: str | Path, session: ort.InferenceSession) -> tuple[int, int]:
    found = [(i.name, i.type, i.shape) for i in [*session.get_inputs(), *session.get_outputs()]]
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
