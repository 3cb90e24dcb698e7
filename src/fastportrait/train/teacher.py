"""The network that a recipe distils from: weights of the zoo, or a file made for a runtime.

Each is asked at its own size. A network of the zoo can teach its features too (features.py).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..engines import open_engine
from ..nets.weights import load

Teacher = Callable[[Tensor], Tensor]
"""image (N, 3, H, W), RGB in [0, 1] -> logit (N, 1, H, W)."""

SURE = 1e-4
"""A file's alpha of 0 or 1 is a logit without end: this is as sure as it is taken to be."""


def open_teacher(path: Path) -> Teacher:
    """The teacher in `path`: .safetensors, .onnx as `fastportrait export` writes it, or .tflite with an image
    (1, h, w, 3) in [0, 1] and an alpha (1, h, w, 1).

    Raises `ValueError` where it cannot be run, in words.
    """
    if path.suffix == ".safetensors":
        return _Own(path)
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    if path.suffix == ".tflite":
        lite = _LiteRT(path)
        run, size = lite, lite.size
    else:
        engine = open_engine(path)
        run, size = engine, engine.size

    @torch.no_grad()
    def teacher(image: Tensor) -> Tensor:
        asked = _resized(image.float(), size).cpu().numpy()
        alpha = np.concatenate([run(asked[i : i + 1]) for i in range(len(asked))])
        logit = torch.from_numpy(alpha).to(image.device).logit(SURE)
        return _resized(logit, image.shape[-2:])

    return teacher


class _Own:
    """A network of the zoo, which runs on the device that trains."""

    def __init__(self, path: Path) -> None:
        net, about = load(path)
        self.net, self.size = net.deploy(), about.size

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        logit = self.net.to(image.device)(_resized(image, self.size)).float()
        return _resized(logit, image.shape[-2:])


class _LiteRT:
    """A .tflite file on the CPU: (1, 3, h, w) -> (1, 1, h, w), as the project's engines."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ModuleNotFoundError:
            raise ValueError(f"{path}: a .tflite teacher needs: pip install ai-edge-litert") from None
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
        self.interpreter = Interpreter(str(path), num_threads=4)
        self.interpreter.allocate_tensors()
        image, alpha = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        shapes = [tuple(int(n) for n in tensor["shape"]) for tensor in (*image, *alpha)]
        height, width = shapes[0][1:3] if len(shapes[0]) == 4 else (0, 0)
        kinds: set[Any] = {tensor["dtype"] for tensor in (*image, *alpha)}
        if shapes != [(1, height, width, 3), (1, height, width, 1)] or kinds != {np.float32}:
            raise ValueError(
                f"{path}: has inputs and outputs of {shapes}; a teacher has one image (1, h, w, 3) "
                "and one alpha (1, h, w, 1), both float32"
            )
        self.size = (height, width)
        self.image, self.alpha = image[0]["index"], alpha[0]["index"]

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        self.interpreter.set_tensor(self.image, np.ascontiguousarray(image.transpose(0, 2, 3, 1)))
        self.interpreter.invoke()
        alpha: NDArray[np.float32] = self.interpreter.get_tensor(self.alpha).transpose(0, 3, 1, 2)
        return alpha


def _resized(x: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    if x.shape[-2:] == torch.Size(size):
        return x
    smaller = x.shape[-2] > size[0] or x.shape[-1] > size[1]
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False, antialias=smaller)
