"""A saved Core ML program (.mlpackage), carried out in torch: its numbers without a Mac.

What is read is the file as it was saved: protobuf and weights, by coremltools. What is computed is each
operation by `mil_ops`, in float32, and rounded to half precision wherever the program says that a value is
half. Apple's hardware may add up in another order or width; that is why a file so checked is called
interpreted, not run.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .mil_ops import OPS


class Program:
    """An .mlpackage: the image input and the one output of its function `main`."""

    def __init__(self, path: Path) -> None:
        """Raises `ValueError` where it is no such file or has an operation that is not known here."""
        main = _main(path)
        self._path = path
        self._operations = [operation for operation in main.operations if operation.op_type != "const"]
        unknown = sorted({o.op_type for o in self._operations} - OPS.keys())
        if unknown:
            raise ValueError(
                f"{path}: the interpreter has no {', '.join(unknown)}; write it in export/mil_ops.py"
            )
        (self._input,) = main.inputs.values()
        (self._output,) = main.outputs
        last = {var: i for i, operation in enumerate(self._operations) for var in _vars(operation)}
        last.pop(self._output, None)
        self._done: list[list[Any]] = [[] for _ in self._operations]
        for var, i in last.items():
            self._done[i].append(var)

    def __call__(self, value: Tensor) -> Tensor:
        """The output of `main` for its one input."""
        return self._values(value, keep=False)[self._output]

    def every(self, value: Tensor) -> dict[str, Tensor]:
        """What each operation gives, by the program's names."""
        return {var.name: found for var, found in self._values(value, keep=True).items()}

    @torch.inference_mode()
    def _values(self, value: Tensor, *, keep: bool) -> dict[Any, Tensor]:
        values = {self._input: _typed(self._input, value)}
        for operation, done in zip(self._operations, self._done, strict=True):
            try:
                found = OPS[operation.op_type](**_arguments(operation, values))
            except (TypeError, ValueError, RuntimeError) as error:
                raise ValueError(f"{self._path}: {operation.op_type} {operation.name}: {error}") from error
            results = found if isinstance(found, tuple) else (found,)
            for var, result in zip(operation.outputs, results, strict=True):
                if tuple(result.shape) != tuple(var.shape):
                    raise ValueError(
                        f"{self._path}: {operation.op_type} {operation.name} gives {tuple(result.shape)}, "
                        f"the program says {tuple(var.shape)}"
                    )
                values[var] = _typed(var, result)
            for var in () if keep else done:
                values.pop(var, None)
        return values


def _main(path: Path) -> Any:
    """The function `main` of the saved program, in coremltools' own classes."""
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto import load

    if not path.is_dir():
        raise ValueError(f"{path}: no .mlpackage there")
    spec = ct.utils.load_spec(str(path))
    if spec.WhichOneof("Type") != "mlProgram":
        raise ValueError(f"{path}: holds no ML program but a {spec.WhichOneof('Type')}")
    weights = path / "Data" / "com.apple.CoreML" / "weights"
    program = load.load(spec, spec.specificationVersion, str(weights))
    return program.functions["main"]


def _vars(operation: Any) -> list[Any]:
    """Every value that `operation` reads."""
    found = []
    for value in operation.inputs.values():
        found += list(value) if isinstance(value, list | tuple) else [value]
    return found


def _arguments(operation: Any, values: dict[Any, Tensor]) -> dict[str, Any]:
    def of(var: Any) -> Any:
        return values[var] if var in values else _constant(var)

    return {
        name: [of(v) for v in var] if isinstance(var, list | tuple) else of(var)
        for name, var in operation.inputs.items()
    }


def _constant(var: Any) -> Any:
    """Numbers as float32, weights of 8 bits as they are, whole numbers, truth values and text as Python's."""
    array = np.asarray(var.val)
    if array.dtype.kind == "f":
        return torch.from_numpy(np.array(array, np.float32))
    if array.dtype in (np.int8, np.uint8) and array.ndim:
        return torch.from_numpy(np.array(array))
    return array.tolist()


def _typed(var: Any, value: Tensor) -> Tensor:
    """`value` as exactly as the program keeps it."""
    from coremltools.converters.mil.mil import types

    return value.half().float() if var.dtype == types.fp16 else value
