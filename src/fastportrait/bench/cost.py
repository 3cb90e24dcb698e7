"""What a file asks of a machine: parameters and multiply-adds of its products, counted from the file itself.

Counted alike for ours and others': the weights, biases and slopes of convolutions, transposed convolutions,
matrix products, batch norms and PReLUs, as the file holds them; and one multiply-add a weight and output.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feeds = dict[str, NDArray[Any]]
Event = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    params: int
    macs: int


def onnx(path: Path, image: NDArray[np.float32], extra: Feeds | None = None) -> Cost:
    """Of an ONNX file run once on `image`, its first input: ONNX Runtime's profile names every shape."""
    params = macs = 0
    for event in profile(path, image, extra or {}, runs=1, optimise=False):
        inputs, outputs = (_shapes(event["args"][f"{end}_type_shape"]) for end in ("input", "output"))
        kind = event["args"]["op_name"]
        if kind in ("Conv", "FusedConv"):
            macs += prod(outputs[0]) * prod(inputs[1][1:])
        elif kind == "ConvTranspose":
            macs += prod(inputs[0]) * prod(inputs[1][1:])
        elif kind in ("MatMul", "FusedMatMul", "Gemm"):
            macs += prod(outputs[0]) * inputs[0][-1]
            if int(event["args"]["parameter_size"]) == 0:
                continue  # of two images, as attention has them
        elif kind not in ("BatchNormalization", "PRelu"):
            continue
        params += sum(prod(shape) for shape in inputs[1:])
    return Cost(params, macs)


def profile(
    path: Path, image: NDArray[np.float32], extra: Feeds, *, runs: int, optimise: bool = True
) -> list[Event]:
    """ONNX Runtime's own record of every node in each of `runs` runs on one thread, in their order."""
    import onnxruntime as ort

    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if not optimise:  # constants folded, but every operator still as the file has it
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        feeds = {session.get_inputs()[0].name: image, **extra}
        for _ in range(runs):
            session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return [e for e in events if e["cat"] == "Node" and e["name"].endswith("_kernel_time")]


def _shapes(tensors: list[dict[str, list[int]]]) -> list[list[int]]:
    return [shape for tensor in tensors for shape in tensor.values()]


def litert(data: bytes) -> Cost:
    """Of a .tflite file with fixed shapes."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    counts: dict[str, Callable[[Any, Any], int]] = {
        "CONV_2D": lambda inputs, out: prod(out) * prod(inputs[1][1:]),
        "DEPTHWISE_CONV_2D": lambda inputs, out: prod(out) * prod(inputs[1][1:3]),
        "TRANSPOSE_CONV": lambda inputs, out: prod(inputs[2]) * prod(inputs[1][:3]),
        "FULLY_CONNECTED": lambda inputs, out: prod(out) * inputs[1][-1],
        "BATCH_MATMUL": lambda inputs, out: prod(out) * inputs[0][-1],
    }
    params = macs = 0
    for graph in model.subgraphs:
        shapes = [[int(n) for n in ([] if t.shape is None else t.shape)] for t in graph.tensors]
        constant = {i for i, t in enumerate(graph.tensors) if _filled(model.buffers[t.buffer])}
        weights = set[int]()
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
            inputs = [int(index) for index in operator.inputs if index >= 0]
            if kind == "DEQUANTIZE" and inputs[0] in constant:  # weights that are stored in half precision
                constant.add(int(operator.outputs[0]))
            if kind in counts:
                macs += counts[kind]([shapes[i] for i in inputs], shapes[operator.outputs[0]])
            if kind in counts or kind == "PRELU":
                weights |= constant & set(inputs[1:])  # the first is the image, or the size of the output
        params += sum(prod(shapes[index]) for index in weights)
    return Cost(params, macs)


def _filled(buffer: Any) -> bool:
    return buffer.data is not None and len(buffer.data) > 0
