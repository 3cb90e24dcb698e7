"""ncnn (.param and .bin), the light runtime for ARM, by way of pnnx; its card lies beside, NAME.ncnn.json.

`fp16` stores the weights in half precision. On a phone switch half-precision arithmetic off
(`opt.use_fp16_arithmetic = false`): it is on by default, and moves alpha by up to 0.2.
"""

import json
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..nets.condensenet import Gather
from ..nets.network import Network
from .form import phone_form
from .pictures import Picture

NAME, ENDING, PACKAGE = "ncnn", ".ncnn.param", "export-ncnn"
PRECISIONS = ("fp32", "fp16")


def convert(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    path: Path,
    calibration: list[Picture],
) -> None:
    """Writes `path`, its weights and its card for `net` (deployed here) at (height, width)."""
    import pnnx

    folder, stem = path.parent, path.name.removesuffix(ENDING)
    image = torch.zeros(1, 3, *size)
    form = _without_gathers(phone_form(net), image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about sizes, which are fixed here
        traced: Any = torch.jit.trace(form, (image,), check_trace=False)  # type: ignore[no-untyped-call]
    traced.save(str(folder / "net.pt"))
    words = [pnnx.EXEC_PATH, "net.pt", f"inputshape=[1,3,{size[0]},{size[1]}]f32", "device=cpu", "optlevel=2"]
    words += ["fp16=1" if precision == "fp16" else "fp16=0"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    param, weights = folder / "net.ncnn.param", folder / "net.ncnn.bin"
    if done.returncode or not param.is_file() or not weights.is_file():
        reason = " ".join((done.stderr + done.stdout).split())[-300:]
        raise ValueError(f"pnnx cannot convert it (exit {done.returncode}): {reason}")
    unknown = unknown_layers(param)
    if unknown:
        raise ValueError(f"ncnn has no layer for {', '.join(unknown)}")
    param.replace(path)
    weights.replace(folder / f"{stem}.ncnn.bin")
    for left in [*folder.glob("net.p*"), *folder.glob("net_*.py")]:
        left.unlink()
    beside = folder / f"{stem}.ncnn.json"
    beside.write_text(json.dumps({"size": list(size)} | card, indent=2) + "\n", encoding="utf-8")


def _without_gathers(form: nn.Module, image: Tensor) -> nn.Module:
    """CondenseNet picks channels by number, for which ncnn has no layer: filters of a single 1 do it."""
    seen: dict[nn.Module, int] = {}

    def keep(module: nn.Module, given: Any) -> None:
        seen[module] = given[0].shape[1]

    gathers = [module for module in form.modules() if isinstance(module, Gather)]
    hooks = [gather.register_forward_pre_hook(keep) for gather in gathers]
    if gathers:
        with torch.no_grad():
            form(image)
    for hook in hooks:
        hook.remove()
    for module in list(form.modules()):
        for name, child in module.named_children():
            if isinstance(child, Gather):
                pick = nn.Conv2d(seen[child], len(child.index), 1, bias=False)
                ones = nn.functional.one_hot(child.index, seen[child]).float()
                pick.weight = nn.Parameter(ones[:, :, None, None], requires_grad=False)
                setattr(module, name, pick)
    return form


def unknown_layers(param: Path) -> list[str]:
    """The operations that pnnx left as PyTorch calls them, with their names: ncnn would not load the file."""
    lines = [line.split() for line in param.read_text(encoding="utf-8").splitlines()[2:]]
    return [f"{line[0]} ({line[1]})" for line in lines if "." in line[0] or "::" in line[0]]


def runner(path: Path) -> Callable[[Picture], Picture]:
    """`path` in ncnn on the CPU: (1, 3, h, w) -> (1, 1, h, w)."""
    from ..engines.ncnn import NcnnEngine

    return NcnnEngine(path, threads=1).raw


def inside(path: Path) -> Callable[[Picture], dict[str, NDArray[np.float32]]]:
    """Every tensor that `path` computes on the way."""
    import ncnn

    from ..engines.ncnn import load

    net = load(path, 1, light=False)
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()[2:]]
    blobs = [name for line in lines for name in line[4 + int(line[2]) :][: int(line[3])]]

    def run(image: Picture) -> dict[str, NDArray[np.float32]]:
        with net.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(image[0]).clone())
            return {name: np.array(extractor.extract(name)[1]) for name in blobs}

    return run
