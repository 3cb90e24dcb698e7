"""ONNX in 8 bits by ONNX Runtime's quantizer: QDQ form, activations U8 per tensor, weights S8 per channel.

Ranges hold all but the outermost hundredth of a per cent of each calibration picture's values: these are
worth less than the steps that they would cost all others.
"""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from .pictures import Picture

KINDS = (
    "Conv",
    "ConvTranspose",
    "Gemm",
    "MatMul",
    "Add",
    "Mul",
    "Concat",
    "Resize",
    "MaxPool",
    "AveragePool",
)
"""Operations that may compute in 8 bits. The colours' normalisation and the last sigmoid stay in float."""
FUSED = ("Relu", "Clip")
"""Activations that become part of the layer before them, whose 8 bits then hold what comes out behind: the
rounding is done once, and no step is spent on what the activation cuts off."""
PERCENTILE, SEEN = 99.99, 20_000
"""Of each picture's values, of which so many are looked at."""


class OnnxQuantiser:
    """See `int8.Quantiser`; made from the float32 graph."""

    def __init__(self, model: Any, card: dict[str, Any], images: list[Picture]) -> None:
        from onnxruntime.quantization.shape_inference import quant_pre_process

        self.card = card
        with tempfile.TemporaryDirectory() as folder:
            source, ready = Path(folder) / "float.onnx", Path(folder) / "ready.onnx"
            source.write_bytes(model.SerializeToString())
            quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
            self.model = _named(ready)
            self.layers = [node.name for node in self.model.graph.node if _quantisable(node)]
            self._ranges = _ranges(self.model, images, Path(folder))

    def weights(self, path: Path) -> None:
        from .onnx import finished

        model = _copy(self.model)
        _store_in_8_bits(model)
        path.write_bytes(finished(model, self.card))

    def static(self, path: Path, layers: list[str]) -> None:
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        from .onnx import finished

        model = _copy(self.model)
        if layers:
            quantizer = QDQQuantizer(
                model,
                per_channel=True,
                reduce_range=False,
                weight_qType=QuantType.QInt8,
                activation_qType=QuantType.QUInt8,
                tensors_range=self._ranges,
                nodes_to_quantize=layers + _fused(model, layers),
                nodes_to_exclude=[],
                op_types_to_quantize=[*KINDS, *FUSED],
                extra_options={},
            )
            quantizer.quantize_model()
            quantizer.model.topological_sort()
            model = quantizer.model.model
        path.write_bytes(finished(model, self.card))


def _named(path: Path) -> Any:
    """The graph of `path` with a name for every node, which is what the quantizer knows them by."""
    import onnx

    model = onnx.load(path)
    for i, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{i}_{node.output[0]}"
    return model


def _quantisable(node: Any) -> bool:
    return node.op_type in KINDS


def _fused(model: Any, layers: list[str]) -> list[str]:
    """The activations right behind `layers`; not where a layer's own output is used elsewhere too."""
    uses = Counter(name for node in model.graph.node for name in node.input)
    made = {name for node in model.graph.node if node.name in layers for name in node.output}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in FUSED and node.input[0] in made and uses[node.input[0]] == 1
    ]


def _copy(model: Any) -> Any:
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def _ranges(model: Any, images: list[Picture], folder: Path) -> Any:
    """Every tensor's range over `images`, without the outermost values."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import TensorsData

    from .onnx import inside

    onnx.save(model, folder / "calibrate.onnx")
    look = inside(folder / "calibrate.onnx")
    lows: dict[str, list[float]] = {}
    highs: dict[str, list[float]] = {}
    for image in images:
        for name, tensor in ({"image": image} | look(image)).items():
            if tensor.dtype == np.float32 and tensor.size > 1:
                values = tensor.ravel()[:: max(1, tensor.size // SEEN)]
                low, high = np.percentile(values, (100 - PERCENTILE, PERCENTILE))
                lows.setdefault(name, []).append(float(low))
                highs.setdefault(name, []).append(float(high))
    found = {name: (np.float32(min(lows[name])), np.float32(max(highs[name]))) for name in lows}
    return TensorsData(CalibrationMethod.MinMax, {n: tuple(np.array(v) for v in r) for n, r in found.items()})


def _store_in_8_bits(model: Any) -> None:
    """Filters as int8 with one scale a filter, widened by a Cast and a Mul, which the runtime folds away."""
    import onnx
    from onnx import TensorProto, numpy_helper

    widen = []
    axes = {
        name: 1 if node.op_type == "ConvTranspose" else 0
        for node in model.graph.node
        for name in node.input[1:2]
    }
    for weight in list(model.graph.initializer):
        if weight.data_type != TensorProto.FLOAT or len(weight.dims) < 2 or np.prod(weight.dims) < 64:
            continue
        wide, values = weight.name, numpy_helper.to_array(weight)
        axis = axes.get(wide, 0)
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True) / 127, 1e-12).astype(np.float32)
        small = np.clip(np.round(values / scale), -127, 127).astype(np.int8)
        weight.CopyFrom(numpy_helper.from_array(small, f"{wide}_int8"))
        model.graph.initializer.append(numpy_helper.from_array(scale, f"{wide}_scale"))
        widen += [
            onnx.helper.make_node("Cast", [f"{wide}_int8"], [f"{wide}_wide"], to=TensorProto.FLOAT),
            onnx.helper.make_node("Mul", [f"{wide}_wide", f"{wide}_scale"], [wide]),
        ]
    for node in reversed(widen):
        model.graph.node.insert(0, node)
