"""A network with memory as ONNX: the memory goes in and comes out as tensors beside image and alpha.

The names are those of `engines.memory`. Only ONNX Runtime is given such files so far.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..engines.memory import INPUT, OUTPUT
from ..engines.onnx import OnnxEngine
from ..nets.network import Network, check_size

OPSET = 18
TOLERANCE = 1e-3
"""Largest difference of an alpha in any frame."""


class Step(nn.Module):
    """`net.step` with its sigmoid: (image, *state) -> (alpha, *state)."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net: Any = net.deploy()

    def forward(self, image: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logit, *memory = self.net.step(image, *state)
        return logit.sigmoid(), *memory


def write(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    frames: list[NDArray[np.float32]],
    path: Path,
) -> float:
    """Converts `net`, steps file and network over `frames` (1, 3, h, w), and only then writes `path`.

    Returns the largest difference of an alpha. Raises `ValueError` where `net` has no memory, or the file
    does not give its masks; nothing is written then.
    """
    if not hasattr(net, "step"):
        raise ValueError(f"{type(net).__name__} has no memory: export it as a network for single pictures")
    check_size(net, size)
    step = Step(net).eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(convert(step, size, card))
    try:
        apart = difference(step, partial, frames)
        if not apart <= TOLERANCE:
            raise ValueError(
                f"{path}: the file is not the network: alpha differs by up to {apart:.2g} over "
                f"{len(frames)} frames (allowed {TOLERANCE:g}); no file written"
            )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return apart


def convert(step: Step, size: tuple[int, int], card: dict[str, Any]) -> bytes:
    """The file's bytes."""
    import onnx
    import onnxslim

    image = torch.zeros(1, 3, *size)
    state = step.net.state(image)
    program = torch.onnx.export(
        step,
        (image, *state),
        dynamo=True,
        opset_version=OPSET,
        input_names=["image", *(f"{INPUT}{i}" for i in range(len(state)))],
        output_names=["alpha", *(f"{OUTPUT}{i}" for i in range(len(state)))],
        external_data=False,
        verbose=False,
    )
    assert program is not None
    model = onnxslim.slim(program.model_proto)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.producer_name = "fastportrait"
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


@torch.no_grad()
def difference(step: Step, path: Path, frames: list[NDArray[np.float32]]) -> float:
    """The largest of an alpha, both stepped over `frames` with memories of their own."""
    engine = OnnxEngine(path, threads=1)
    state, memory = engine.start(), step.net.state(torch.from_numpy(frames[0]))
    largest = 0.0
    for image in frames:
        theirs, state = engine.step(image, state)
        ours, *memory = step(torch.from_numpy(image), *memory)
        largest = max(largest, float(np.abs(theirs - ours.numpy()).max()))
    return largest
