""".tflite files by LiteRT on the CPU.

The contract: one float32 input, the image in RGB in [0, 1], as (1, 3, h, w) or (1, h, w, 3); one float32
output, alpha in [0, 1], as (1, 1, h, w) or (1, h, w, 1). The card is JSON in the metadata "card"; it may be
missing.
"""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from . import ModelError
from .cores import in_range, some_threads


class LiteRTEngine:
    """See `fastportrait.engines.Engine`."""

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        data = Path(path).read_bytes()
        if data[4:8] != b"TFL3":
            raise ModelError(f"{path}: is no LiteRT model (.tflite)")
        try:
            self._interpreter = Interpreter(model_content=data, num_threads=some_threads(threads))
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"{path}: LiteRT cannot load it: {reason}") from None
        image, alpha = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._first, self.size = _layout(path, image, alpha)
        self._image, self._alpha = image[0]["index"], alpha[0]["index"]
        self._last = tuple(alpha[0]["shape"]) == (1, *self.size, 1)
        self._path, self._lock = path, threading.Lock()
        self.card = _card(path, data)
        self.name = f"LiteRT {_version()}, CPU"

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w). Safe from several threads."""
        return in_range(self.raw(image), self._path)

    def raw(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the file gives it, in PyTorch's layout."""
        given = image if self._first else np.ascontiguousarray(image.transpose(0, 2, 3, 1))
        with self._lock:  # an interpreter has one set of tensors
            self._interpreter.set_tensor(self._image, given)
            self._interpreter.invoke()
            alpha: NDArray[np.float32] = self._interpreter.get_tensor(self._alpha)
        return alpha.transpose(0, 3, 1, 2) if self._last else alpha


def _layout(path: str | Path, image: list[Any], alpha: list[Any]) -> tuple[bool, tuple[int, int]]:
    """Whether channels come first in the image, and its (height, width); ModelError for any other network."""
    shapes = [tuple(int(n) for n in tensor["shape"]) for tensor in (*image, *alpha)]
    floats = all(tensor["dtype"] == np.float32 for tensor in (*image, *alpha))
    if floats and len(shapes) == 2 and len(shapes[0]) == 4:
        first = shapes[0][1] == 3
        height, width = shapes[0][2:] if first else shapes[0][1:3]
        one = shapes[0] == ((1, 3, height, width) if first else (1, height, width, 3))
        if one and shapes[1] in ((1, 1, height, width), (1, height, width, 1)):
            return first, (height, width)
    has = ", ".join(
        f"{tensor['name']} {tensor['dtype'].__name__} {tuple(tensor['shape'])}" for tensor in (*image, *alpha)
    )
    raise ModelError(
        f"{path}: is no portrait network: it has {has}; it must have one image (1, 3, h, w) or "
        "(1, h, w, 3) and one alpha of the same size, both float32"
    )


def _card(path: str | Path, data: bytes) -> dict[str, Any]:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(data, 0)
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if entry.Name() == b"card":
            try:
                card = json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
            except (ValueError, AttributeError):
                card = None
            if not isinstance(card, dict):
                raise ModelError(f"{path}: its metadata 'card' is not a JSON object")
            return card
    return {}


def _version() -> str:
    from importlib.metadata import version

    return version("ai-edge-litert")
