"""Where an ONNX file's time goes: milliseconds of every node that ONNX Runtime runs, after it fused them."""

from collections import defaultdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import Event, profile


def layers(path: Path, image: NDArray[np.float32], runs: int = 40, warmup: int = 5) -> list[dict[str, Any]]:
    """A row a node in their order: name, op, output as "16x128x128", ms (the median over runs), share.

    By the wall clock, on one thread: on a busy machine the shares are truer than the milliseconds.
    """
    taken: dict[str, list[int]] = defaultdict(list)
    about: dict[str, Event] = {}
    for event in profile(path, image, {}, runs=warmup + runs):
        name = event["name"].removesuffix("_kernel_time")
        taken[name].append(event["dur"])
        about[name] = event["args"]
    spent = {name: float(np.median(times[warmup:])) / 1e3 for name, times in taken.items()}
    whole = sum(spent.values())
    return [
        {
            "name": name,
            "op": about[name]["op_name"],
            "output": "x".join(str(n) for n in _output(about[name])),
            "ms": round(ms, 4),
            "share": round(ms / whole, 4),
            "gmacs_per_s": round(_macs(about[name]) / (ms * 1e6), 2) if ms else 0.0,
        }
        for name, ms in spent.items()
    ]


def _output(about: Event) -> list[int]:
    """Without the batch."""
    shapes = [shape for tensor in about["output_type_shape"] for shape in tensor.values()]
    return shapes[0][1:] if shapes else []


def _macs(about: Event) -> int:
    if about["op_name"] not in ("Conv", "FusedConv"):
        return 0
    shapes = [shape for tensor in about["input_type_shape"] for shape in tensor.values()]
    return prod(_output(about)) * prod(shapes[1][1:])
