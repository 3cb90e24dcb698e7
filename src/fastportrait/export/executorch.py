"""ExecuTorch: PyTorch's own phone runtime, its XNNPACK kernels for the CPU, image -> alpha as a .pte.

A .pte has no metadata, but methods: beside `forward` lies one called `card`, which takes nothing and gives
the card as JSON text, so that it cannot be lost on the way. XNNPACK takes the whole network; without it
ExecuTorch is a hundred times slower.

There is no fp16: such a file was as large as the fp32 one and slower on x86. int8 quantises weights and
activations in PyTorch (pt2e), symmetrically, each filter with its own scale; the ranges are those of the
calibration pictures.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from ..nets.network import Network
from .form import phone_form
from .pictures import Picture

NAME = "executorch"
ENDING = ".pte"
PACKAGE = "export-executorch"
PRECISIONS = ("fp32", "int8")


def convert(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    path: Path,
    calibration: list[Picture],
) -> None:
    """Writes `path` for `net` (any form: it is deployed here) at (height, width)."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(phone_form(net), (torch.zeros(1, 3, *size),))
    if precision == "int8":
        program = _quantised(program, calibration)
    edge = to_edge_transform_and_lower(
        program, partitioner=[XnnpackPartitioner()], constant_methods={"card": json.dumps(card)}
    )
    path.write_bytes(edge.to_executorch().buffer)


def _quantised(program: ExportedProgram, calibration: list[Picture]) -> ExportedProgram:
    """`program` with weights and activations of 8 bits where XNNPACK has such kernels."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    if not calibration:
        raise ValueError("int8 needs pictures to calibrate on")
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(program.module(), quantizer)
    with torch.no_grad():
        for image in calibration:
            prepared(torch.from_numpy(image))
    return torch.export.export(convert_pt2e(prepared), (torch.from_numpy(calibration[0]),))


def runner(path: Path) -> Callable[[Picture], Picture]:
    """`path` by ExecuTorch, as `Segmenter` runs it."""
    from ..nets.pte import PteEngine

    engine = PteEngine(path)

    def run(image: Picture) -> Picture:
        return np.asarray(engine(image), np.float32)

    return run
