"""Core ML: an ML program for iOS 16 and macOS 13 on, picture in, mask out, as an .mlpackage.

The input "image" is a picture (8 bits a channel, any Core ML pixel format), for that is what a camera gives;
the program divides by 255 itself. The output "alpha" is a picture too in the files that apps ship (fp16,
int8): one channel of half floats in [0, 1], which Core Image and Metal take as they are, without a copy. A
half cannot hold the 1e-4 that fp32 promises, so there, in the file that one compares with, alpha is a
multi-array of floats (1, 1, h, w).

fp16 computes in half precision, which the Neural Engine needs, but for the operations that `_exact` names.
int8 stores the weights in 8 bits, each filter with its own scale, and computes as fp16 does: it makes the
file smaller, not faster, and needs no calibration.
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
INPUT, OUTPUT = "image", "alpha"
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
    """Writes `path` for `net` (any form: it is deployed here) at (height, width).

    `calibration` is not needed: only weights are quantised.
    """
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
        else ct.transform.FP16ComputePrecision(op_selector=_selector()),
        skip_model_load=True,
    )
    if precision == "int8":
        from coremltools.optimize import coreml as optimize

        how = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=512)
        model = optimize.linear_quantize_weights(model, optimize.OptimizationConfig(how))
    return model


STEPS = ("ceil", "equal", "greater", "greater_equal")
"""Operations whose result jumps: where a value falls to one side or the other is a decision."""
ARITHMETIC = ("add", "cast", "mul", "real_div", "sub")


def _exact(operations: list[Any]) -> set[str]:
    """The names of those operations that a half-precision file still does in float32.

    Arithmetic with constants on the image, as Core ML's own division by 255 before it: mean and deviation
    rounded to half would shift every picture's colours, a fifth of the whole error. And all that a decision
    hangs on, as which of four values is the largest (ENet, SegNet) or whether a block runs (SkipNet): in half
    precision near ties fall the other way, and the masks are others.
    """
    names: set[str] = set()
    for operation in reversed(operations):
        read_by = [child.name for var in operation.outputs for child in var.child_ops]
        if operation.op_type in STEPS or not names.isdisjoint(read_by):
            names.add(operation.name)
    colours: set[Any] = set()
    for operation in operations:
        if operation.op_type in ARITHMETIC:
            sources = {var.op for var in operation.inputs.values()}
            if all(o is None or o.op_type == "const" or o in colours for o in sources):
                colours.add(operation)
    return names | {operation.name for operation in colours}


def _selector() -> Callable[[Any], bool]:
    """Says of each operation of one program whether it may be done in half precision."""
    exact: set[str] = set()
    asked = False

    def half(operation: Any) -> bool:
        nonlocal asked
        if not asked:
            exact.update(_exact(list(operation.enclosing_block.operations)))
            asked = True
        return operation.name not in exact

    return half


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
