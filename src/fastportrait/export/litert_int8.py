"""LiteRT in 8 bits by Google's AI Edge Quantizer: weights S8 per channel, activations S8 per tensor.

Image and alpha stay float32, as every file of the project takes and gives them.
"""

import re
from pathlib import Path
from typing import Any

from .pictures import Picture

KINDS = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "TRANSPOSE_CONV",
    "FULLY_CONNECTED",
    "ADD",
    "MUL",
    "CONCATENATION",
    "RESIZE_BILINEAR",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
)
"""Operations that may compute in 8 bits. The colours' normalisation and the last sigmoid stay in float."""


class LiteRTQuantiser:
    """See `int8.Quantiser`; made from the float32 file `path`. A layer is named by its output tensor."""

    def __init__(self, path: Path, card: dict[str, Any], images: list[Picture]) -> None:
        self.path, self.card = path, card
        self.kinds = _layers(path)
        self.layers = list(self.kinds)
        self._ranges: Any = None
        self._images = images

    def weights(self, path: Path) -> None:
        from ai_edge_quantizer import recipe

        self._write(path, recipe.weight_only_wi8_afp32(), None)

    def static(self, path: Path, layers: list[str]) -> None:
        if not layers:
            path.write_bytes(self.path.read_bytes())
            return
        if self._ranges is None:
            self._ranges = self._calibrate()
        self._write(path, self._recipe(layers), self._ranges)

    def _recipe(self, layers: list[str]) -> Any:
        from ai_edge_quantizer.qtyping import TFLOperationName
        from ai_edge_quantizer.recipe_manager import RecipeManager

        recipe = RecipeManager()
        for layer in layers:
            recipe.add_static_config(
                regex=f"^{re.escape(layer)};?$",
                operation_name=TFLOperationName(self.kinds[layer]),
                activation_num_bits=8,
                weight_num_bits=8,
            )
        return recipe.get_quantization_recipe()

    def _calibrate(self) -> Any:
        from ai_edge_quantizer.quantizer import Quantizer

        from .litert import quiet

        with quiet():
            quantizer = Quantizer(str(self.path))
            quantizer.load_quantization_recipe(self._recipe(self.layers))
            name = _input_name(self.path)
            return quantizer.calibrate(
                {"serving_default": [{name: image} for image in self._images]}, num_threads=1
            )

    def _write(self, path: Path, recipe: Any, ranges: Any) -> None:
        from ai_edge_quantizer.quantizer import Quantizer

        from .litert import quiet

        with quiet():
            quantizer = Quantizer(str(self.path))
            quantizer.load_quantization_recipe(recipe)
            made = quantizer.quantize(ranges, enable_progress_report=False)
        path.write_bytes(bytes(made.quantized_model))


def _interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return Interpreter(
        str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )


def _input_name(path: Path) -> str:
    """What the signature calls the image."""
    (name,) = _interpreter(path).get_signature_list()["serving_default"]["inputs"]
    return str(name)


def _layers(path: Path) -> dict[str, str]:
    """{the name of an operation's output: its kind} of all that may compute in 8 bits, in their order."""
    interpreter = _interpreter(path)
    names = {tensor["index"]: tensor["name"] for tensor in interpreter.get_tensor_details()}
    normalises = True
    found = {}
    for operation in interpreter._get_ops_details():
        normalises = normalises and "CONV" not in operation["op_name"]
        if operation["op_name"] in KINDS and not normalises:
            found[names[operation["outputs"][0]]] = operation["op_name"]
    return found
