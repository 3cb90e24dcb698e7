"""ncnn files on the CPU: NAME.ncnn.param with NAME.ncnn.bin and the card NAME.ncnn.json beside it.

The contract: a blob "in0", the image in RGB in [0, 1], and a blob "out0", alpha in [0, 1]. The file does not
say at which size it was made: its card does. All arithmetic is float32, in plain convolutions: half precision
would move the mask, and Winograd's has ten times the rounding error.
"""

import json
from pathlib import Path
from typing import Any

import ncnn
import numpy as np
from numpy.typing import NDArray

from . import ModelError
from .cores import in_range, some_threads


class NcnnEngine:
    """See `fastportrait.engines.Engine`."""

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        path = Path(path)
        self.card = _card(path)
        size = self.card.get("size")
        if not (
            isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size)
        ):
            raise ModelError(
                f'{path.with_suffix(".json")}: says no size; it must hold "size": [height, width]'
            )
        self.size: tuple[int, int] = (size[0], size[1])
        self._path, self._net = path, load(path, some_threads(threads))
        ends = self._net.input_names(), self._net.output_names()
        if ends != (["in0"], ["out0"]):
            raise ModelError(
                f"{path}: is no portrait network: it has {ends}; it must have one in0 and one out0"
            )
        self.name = f"ncnn {ncnn.__version__}, CPU"

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w). Safe from several threads."""
        alpha = self.raw(image)
        if alpha.shape != (1, 1, *self.size):
            raise ModelError(f"{self._path}: gives {alpha.shape}; it must give {(1, 1, *self.size)}")
        return in_range(alpha, self._path)

    def raw(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the file gives it, with the axis of the batch."""
        with self._net.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(np.ascontiguousarray(image[0])).clone())
            failed, alpha = extractor.extract("out0")
            if failed:
                raise ModelError(f"{self._path}: ncnn stops on it (code {failed})")
            return np.array(alpha, np.float32)[None]


def load(path: Path, threads: int, *, light: bool = True) -> Any:
    """The network of `path`; `light` frees each tensor as soon as it is used up. ModelError where it fails:
    ncnn itself would go on, and end the process at the first picture."""
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise ModelError(f"{path}: its weights {weights.name} must lie beside it")
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.lightmode = light
    net.opt.use_vulkan_compute = False
    net.opt.use_winograd_convolution = False
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{option}", False)
    if net.load_param(str(path)) != 0:
        raise ModelError(f"{path}: ncnn cannot load it: it holds layers that this ncnn does not have")
    if net.load_model(str(weights)) != 0:
        raise ModelError(f"{weights}: ncnn cannot load it: these are not the weights of {path.name}")
    return net


def _card(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    try:
        card = json.loads(beside.read_text(encoding="utf-8"))
    except OSError:
        raise ModelError(f"{path}: its card {beside.name} must lie beside it: it says the size") from None
    except ValueError:
        card = None
    if not isinstance(card, dict):
        raise ModelError(f"{beside}: is not a JSON object")
    return card
