"""MediaPipe's own operator, written as a standard one, so that plain LiteRT runs its files.

`Convolution2DTransposeBias` is a transposed convolution with a bias. LiteRT's TRANSPOSE_CONV has taken a bias
since its third version, and wants the size of its output as a first input besides.
"""

import struct
from typing import Any

import numpy as np

CUSTOM = "Convolution2DTransposeBias"
SAME = 1
"""Of TfLitePadding; VALID is 2."""


def standard(data: bytes) -> bytes:
    """A .tflite file without the custom operator; `data` itself where it has none."""
    if CUSTOM.encode() not in data:
        return data
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    kinds = [(code.customCode or b"").decode() for code in model.operatorCodes]
    transposed = schema.OperatorCodeT()
    transposed.builtinCode = transposed.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
    transposed.version = 3
    model.operatorCodes.append(transposed)
    for graph in model.subgraphs:
        for operator in graph.operators:
            if operator.opcodeIndex < len(kinds) and kinds[operator.opcodeIndex] == CUSTOM:
                _rewrite(model, graph, operator, schema)
    builder = flatbuffers.Builder(len(data) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _rewrite(model: Any, graph: Any, operator: Any, schema: Any) -> None:
    padding, across, down = struct.unpack_from("<3i", bytes(bytearray(operator.customOptions)))
    options = schema.TransposeConvOptionsT()
    options.padding = schema.Padding.SAME if padding == SAME else schema.Padding.VALID
    options.strideW, options.strideH = across, down
    image, weight, bias = operator.inputs[:3]
    size = _constant(model, graph, np.asarray(graph.tensors[operator.outputs[0]].shape, np.int32), schema)
    operator.inputs = [size, weight, image, bias]
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.customOptions = None
    operator.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
    operator.builtinOptions = options


def _constant(model: Any, graph: Any, values: Any, schema: Any) -> int:
    """Adds a tensor of int32 `values`; its index in `graph`."""
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.name, tensor.type, tensor.shape = b"size_of_output", schema.TensorType.INT32, list(values.shape)
    tensor.buffer = len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
