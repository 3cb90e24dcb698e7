"""Core ML: an ML program for iOS 16 and macOS 13 on, picture in, mask out, as an .mlpackage.

The input "image" is a picture (8 bits a channel, any Core ML pixel format), for that is what a camera gives;
the program divides by 255 itself. The output "alpha" is a picture too in the files that apps ship (fp16,
int8): one channel of half floats in [0, 1], which Core Image and Metal take as they are, without a copy. A
half cannot hold the 1e-4 that fp32 promises, so there, in the file that one compares with, alpha is a
multi-array of floats (1, 1, h, w).

fp16 computes in half precision, which the Neural Engine needs. int8 stores the weights in 8 bits, each filter
with its own scale, and computes as fp16 does: it makes the file smaller, not faster, and needs no
calibration.
"""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..nets.network import Network
from .form import phone_form
from .pictures import Picture

NAME = "coreml"
ENDING = ".mlpackage"
PACKAGE = "export-coreml"
PRECISIONS = ("fp32", "fp16", "int8")
CHECKED = "interpreted, not run on Apple hardware"
"""How a file was compared, for reports."""


def convert(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    path: Path,
    calibration: list[Picture],
) -> None:
    """Writes `path` for `net` (any form: it is deployed here) at (height, width). Needs no `calibration`: only
    weights are quantised."""
    with redirect_stderr(io.StringIO()):  # bars for every pass; what is really wrong is raised
        model = _converted(net, size, precision)
    model.short_description = f"Portrait segmentation, network {card.get('network', '?')}: RGB in, alpha out"
    model.license = str(card.get("terms") or "see the card in the metadata")
    model.author = "fastportrait"
    model.version = str(card.get("commit", ""))
    model.input_description["image"] = f"RGB, {size[0]} high and {size[1]} wide: the whole frame, squashed"
    model.output_description["alpha"] = "1 where a person is, 0 where none is"
    model.user_defined_metadata["card"] = json.dumps(card)
    model.save(str(path))


def _converted(net: Network, size: tuple[int, int], precision: str) -> Any:
    """coremltools' model for `net`."""
    import coremltools as ct

    exact = precision == "fp32"
    colours = ct.colorlayout
    model = ct.convert(
        _program(net, size),
        inputs=[ct.ImageType("image", (1, 3, *size), scale=1 / 255, color_layout=colours.RGB)],
        outputs=[
            ct.TensorType("alpha", dtype=np.float32)
            if exact
            else ct.ImageType("alpha", color_layout=colours.GRAYSCALE_FLOAT16)
        ],
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT32
        if exact
        else ct.transform.FP16ComputePrecision(op_selector=lambda operation: not _normalises(operation)),
        skip_model_load=True,
    )
    if precision == "int8":
        from coremltools.optimize import coreml as optimize

        how = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=512)
        model = optimize.linear_quantize_weights(model, optimize.OptimizationConfig(how))
    return model


def _normalises(operation: Any) -> bool:
    """Whether only arithmetic with constants lies between the image and this operation's result.

    That stays in float32, as Core ML's own division by 255 before it does: mean and deviation rounded to half
    would shift every picture's colours, a fifth of the whole error of a half-precision file.
    """
    if operation.op_type not in ("add", "cast", "mul", "real_div", "sub"):
        return False
    sources = [var.op for var in operation.inputs.values()]
    return all(source is None or source.op_type == "const" or _normalises(source) for source in sources)


def _program(net: Network, size: tuple[int, int]) -> Any:
    """`net` with a sigmoid as torch.export's program, in operations that coremltools knows."""
    image = torch.zeros(1, 3, *size)
    program = torch.export.export(phone_form(net), (image,)).run_decompositions({})
    graph = program.graph
    for node in list(graph.nodes):
        if node.target is torch.ops.aten.alias.default:  # the identity; coremltools has no word for it
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    return program


def inside(path: Path) -> Callable[[Picture], dict[str, Picture]]:
    """`path` interpreted, for what each of its operations gives."""
    from .mil import Program

    program = Program(path)

    def run(image: Picture) -> dict[str, Picture]:
        return {name: value.numpy() for name, value in program.every(torch.from_numpy(image) * 255).items()}

    return run


def runner(path: Path) -> Callable[[Picture], Picture]:
    """`path` interpreted: see `mil`. (1, 3, h, w) in [0, 1] -> (1, 1, h, w)."""
    from .mil import Program

    program = Program(path)

    def run(image: Picture) -> Picture:
        alpha: Picture = program(torch.from_numpy(image) * 255).numpy()
        return alpha

    return run
