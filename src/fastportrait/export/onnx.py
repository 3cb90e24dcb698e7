"""ONNX: the phone form with a sigmoid, image (1, 3, h, w) -> alpha (1, 1, h, w), its card inside.

`precision="fp16"` stores the weights in half precision, for half the size; they are widened once, when the
runtime loads the file, and the arithmetic stays float32: neither x86 nor WASM gains from half precision
there.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.network import Network

OPSET = 18


class Alpha(nn.Module):
    """logit -> alpha in [0, 1]: what a phone wants."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        return self.net(image).sigmoid()


def convert(net: Network, size: tuple[int, int], card: dict[str, Any], precision: str) -> bytes:
    """The file's bytes for `net` (any form: it is deployed here) at (height, width)."""
    import onnx
    import onnxslim

    image = torch.zeros(1, 3, *size)
    program = torch.onnx.export(
        Alpha(net.deploy()).eval(),
        (image,),
        dynamo=True,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["alpha"],
        external_data=False,
        verbose=False,
    )
    assert program is not None
    model = onnxslim.slim(program.model_proto)
    for (
        node
    ) in model.graph.node:  # the exporter's notes on where each node came from: a third of a small file
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    if precision == "fp16":
        _store_in_half(model)
    model.producer_name = "fastportrait"
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _store_in_half(model: Any) -> None:
    """Dense float32 weights as float16 and a Cast, which the runtime folds away when it loads the file."""
    import onnx
    from onnx import TensorProto, numpy_helper

    casts = []
    for weight in model.graph.initializer:
        dense = len(weight.dims) > 1 and weight.dims[1] > 1
        if weight.data_type != TensorProto.FLOAT or not dense or np.prod(weight.dims) < 64:
            continue  # depthwise filters are a twelfth of the weights and most of what rounding would do
        wide = weight.name
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{wide}_half")
        weight.CopyFrom(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [wide], to=TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)


@dataclass(frozen=True)
class Parity:
    """How far the file in its runtime is from the network in PyTorch, over the pictures compared."""

    pictures: int
    max_alpha: float
    """Largest difference of an alpha, in [0, 1]."""
    mean_alpha: float
    iou: float
    """Least IoU of the two masks of a picture."""


TOLERANCE = {"fp32": (1e-4, 0.999), "fp16": (2e-2, 0.995)}
"""Precision: the largest `max_alpha` and the least `iou` that pass."""


def parity(data: bytes, net: Network, images: list[NDArray[np.float32]]) -> Parity:
    """Runs both on `images`, each (1, 3, h, w) in [0, 1]."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    largest, means, ious = 0.0, [], []
    for image in images:
        theirs = session.run(["alpha"], {"image": image})[0]
        with torch.no_grad():
            ours = net(torch.from_numpy(image)).sigmoid().numpy()
        difference = np.abs(theirs - ours)
        largest = max(largest, float(difference.max()))
        means.append(float(difference.mean()))
        either = ((theirs > 0.5) | (ours > 0.5)).sum()
        ious.append(float(((theirs > 0.5) & (ours > 0.5)).sum() / either) if either else 1.0)
    return Parity(len(images), largest, float(np.mean(means)), min(ious))


def gate(result: Parity, precision: str) -> None:
    """Raises `ValueError` where the file does not give the network's masks."""
    most, least = TOLERANCE[precision]
    if not (result.max_alpha <= most and result.iou >= least):
        raise ValueError(
            f"the file is not the network: alpha differs by up to {result.max_alpha:.2g} (allowed {most:g}), "
            f"masks agree to IoU {result.iou:.4f} (needed {least:g}) on {result.pictures} pictures; "
            "no file written"
        )


def write(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    images: list[NDArray[np.float32]],
    path: Path,
) -> Parity:
    """Converts, checks on `images`, and only then writes `path`, atomically."""
    import os

    data = convert(net, size, card, precision)
    result = parity(data, net, images)
    gate(result, precision)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, path)
    return result
