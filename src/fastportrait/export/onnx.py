"""ONNX, for ONNX Runtime on phones, desktops and the web; its card is metadata under the key "card".

`fp16` stores the weights in half precision, for half the size; they are widened once, when the runtime loads
the file, and the arithmetic stays float32: neither x86 nor WASM gains from half precision there. `int8` goes
by the ladder (int8.py).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..nets.network import Network
from .form import phone_form
from .onnx_int8 import OnnxQuantiser
from .pictures import Picture

NAME, ENDING, PACKAGE = "onnx", ".onnx", "export-onnx"
PRECISIONS = ("fp32", "fp16", "int8")
OPSET = 18


def convert(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    path: Path,
    calibration: list[Picture],
) -> None:
    """Writes `path` for `net` (any form: it is deployed here) at (height, width)."""
    model = build(net, size)
    if precision == "fp16":
        _store_in_half(model)
    path.write_bytes(finished(model, card))


def quantiser(
    net: Network, size: tuple[int, int], card: dict[str, Any], folder: Path, calibration: list[Picture]
) -> OnnxQuantiser:
    """The ways to 8 bits (`int8`)."""
    return OnnxQuantiser(build(net, size), card, calibration)


def build(net: Network, size: tuple[int, int]) -> Any:
    """The float32 graph, without the exporter's notes on where a node came from: a third of a small file."""
    import onnxslim

    image = torch.zeros(1, 3, *size)
    program = torch.onnx.export(
        phone_form(net),
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
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    return model


def finished(model: Any, card: dict[str, Any]) -> bytes:
    """The file's bytes, with its card, checked."""
    import onnx

    model.producer_name = "fastportrait"
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Puts `card` into the file."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    path.write_bytes(model.SerializeToString())


def runner(path: Path) -> Callable[[Picture], Picture]:
    """`path` in ONNX Runtime: (1, 3, h, w) -> (1, 1, h, w)."""
    session = _session(path.read_bytes())

    def run(image: Picture) -> Picture:
        alpha: Picture = session.run(["alpha"], {"image": image})[0]
        return alpha

    return run


def inside(path: Path) -> Callable[[Picture], dict[str, NDArray[np.float32]]]:
    """Every tensor that `path` computes on the way, in its order."""
    import onnx

    model = onnx.load(path)
    names = [name for node in model.graph.node for name in node.output if name]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = _session(model.SerializeToString())

    def run(image: Picture) -> dict[str, NDArray[np.float32]]:
        return dict(zip(names, session.run(names, {"image": image}), strict=True))

    return run


def _session(data: bytes) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


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
