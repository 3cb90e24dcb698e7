"""LiteRT (.tflite), for Android and the web; its card is metadata of the flatbuffer under the name "card".

`fp16` keeps the weights in half precision; the runtime widens them once, when it loads the file. Image and
alpha keep PyTorch's layout, (1, 3, h, w) and (1, 1, h, w): the file turns them itself, at no cost that shows.
"""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..nets.network import Network
from .form import phone_form
from .litert_int8 import LiteRTQuantiser
from .pictures import Picture
from .quiet import quiet

NAME, ENDING, PACKAGE = "litert", ".tflite", "export-litert"
PRECISIONS = ("fp32", "fp16", "int8")


def convert(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    path: Path,
    calibration: list[Picture],
) -> None:
    """Writes `path` for `net` (any form: it is deployed here) at (height, width)."""
    build(net, size, path)
    if precision == "fp16":
        store_in_half(path)
    write_card(path, card)


def quantiser(
    net: Network, size: tuple[int, int], card: dict[str, Any], folder: Path, calibration: list[Picture]
) -> LiteRTQuantiser:
    """The ways to 8 bits (`int8`)."""
    whole = folder / ".float.tflite"
    build(net, size, whole)
    return LiteRTQuantiser(whole, card, calibration)


def build(net: Network, size: tuple[int, int], path: Path) -> None:
    """The float32 file, without a card."""
    import litert_torch

    with quiet():
        made = litert_torch.convert(without_odd_transposes(phone_form(net)), (torch.zeros(1, 3, *size),))
        made.export(str(path))


class Doubled(nn.Module):
    """A transposed 3x3 convolution of stride 2 (ERFNet's, ENet's), which LiteRT's converter refuses, as a
    convolution of 2x2 that makes the four pixels of each, and a pixel shuffle: the same sums."""

    def __init__(self, conv: nn.ConvTranspose2d) -> None:
        super().__init__()
        # Along a side an even pixel sees its own place by filter 1, an odd one that by 2 and the next by 0.
        taps = conv.weight.new_zeros(2, 2, 3)
        taps[0, 0, 1] = taps[1, 0, 2] = taps[1, 1, 0] = 1
        weight = torch.einsum("iohw,aph,bqw->oabipq", conv.weight, taps, taps).flatten(0, 2)
        self.conv = nn.Conv2d(conv.in_channels, 4 * conv.out_channels, 2, bias=conv.bias is not None)
        self.conv.weight = nn.Parameter(weight)
        if conv.bias is not None:
            self.conv.bias = nn.Parameter(conv.bias.detach().repeat_interleave(4))

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv(F.pad(x, (0, 1, 0, 1))), 2)


def without_odd_transposes(form: nn.Module) -> nn.Module:
    """`form` itself, with each such convolution replaced."""
    for module in form.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ConvTranspose2d) and _is_odd(child):
                setattr(module, name, Doubled(child))
    return form


def _is_odd(conv: nn.ConvTranspose2d) -> bool:
    found = (conv.kernel_size, conv.stride, conv.padding, conv.output_padding, conv.dilation, conv.groups)
    return found == ((3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1)


def store_in_half(path: Path) -> None:
    """The weights of `path` as float16, each widened by an operation that the runtime folds away."""
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.quantizer import Quantizer

    with quiet():
        quantizer = Quantizer(str(path))
        quantizer.add_weight_only_config(
            regex=".*",
            operation_name=TFLOperationName.ALL_SUPPORTED,
            num_bits=16,
            algorithm_key=AlgorithmName.FLOAT_CASTING,
        )
        path.write_bytes(bytes(quantizer.quantize().quantized_model))


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Puts `card` into the file as metadata, which runtimes skip."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    data = path.read_bytes()
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # the quantizer keeps weights behind the flatbuffer: back into it
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    model.metadata = [entry for entry in model.metadata or [] if entry.name != b"card"]
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(json.dumps(card).encode(), np.uint8)
    entry.name, entry.buffer = "card", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata.append(entry)
    builder = flatbuffers.Builder(len(data) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def runner(path: Path) -> Callable[[Picture], Picture]:
    """`path` in LiteRT on the CPU: (1, 3, h, w) -> (1, 1, h, w)."""
    from ..engines.litert import LiteRTEngine

    return LiteRTEngine(path, threads=1).raw


def inside(path: Path) -> Callable[[Picture], dict[str, NDArray[np.float32]]]:
    """Every tensor that `path` computes on the way, by its plain kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(path),
        num_threads=1,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()

    def run(image: Picture) -> dict[str, NDArray[np.float32]]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        found = {}
        for tensor in interpreter.get_tensor_details():
            with contextlib.suppress(ValueError):  # a tensor that the plain kernels do without has no data
                found[f"{tensor['index']} {tensor['name']}"] = interpreter.get_tensor(tensor["index"])
        return found

    return run
