"""From trained weights to a file that a runtime reads: deploy, convert, compare, write."""

import hashlib
from pathlib import Path
from typing import Any

from ..nets import ZOO
from ..nets.card import measure
from ..nets.network import check_size
from ..nets.weights import About, load
from . import onnx
from .onnx import Parity
from .pictures import figures


def export(
    weights: Path,
    out: Path,
    *,
    precision: str = "fp32",
    size: tuple[int, int] | None = None,
    pictures: int = 8,
) -> tuple[Path, Parity]:
    """Writes `out`/NAME.onnx for the .safetensors file `weights`, NAME being its own.

    Raises `ValueError` where the network cannot take `size`, or the file would not give the network's masks.
    """
    net, about = load(weights)
    size = size or about.size
    check_size(net, size)
    path = out / f"{weights.stem}.onnx"
    card = card_of(about, weights, size, precision)
    return path, onnx.write(net, size, card, precision, figures(pictures, size), path)


def card_of(about: About, weights: Path, size: tuple[int, int], precision: str) -> dict[str, Any]:
    """What the file says about itself."""
    cost = measure(ZOO[about.network].build, size)
    return {
        "network": about.network,
        "size": list(size),
        "precision": precision,
        "params": cost.params,
        "macs": cost.macs,
        "recipe": about.recipe,
        "commit": about.commit,
        "data": list(about.data),
        "terms": about.terms,
        "licence_of_code": "Apache-2.0",
        "scores": about.scores,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
