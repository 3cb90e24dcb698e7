"""Other systems, measured beside ours. Neither their weights nor what runs them is part of this project.

An interface module is a Python file with `PEERS: dict[str, (folder, threads) -> peer]`, where `peer(rgb)`
takes (H, W, 3) uint8 RGB and gives (H, W) float32 in [0, 1].
"""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

FILES = {
    "mediapipe-selfie": ("selfie_segmenter.tflite", "MediaPipe selfie segmenter", "256x256"),
    "mediapipe-landscape": ("selfie_segmenter_landscape.tflite", "MediaPipe selfie segmenter", "144x256"),
    "mediapipe-multiclass": (
        "selfie_multiclass_256x256.tflite",
        "MediaPipe selfie multiclass, stretched to 0..1",
        "256x256",
    ),
    "pphumanseg-v1-lite": ("pphumanseg-v1-lite.onnx", "PP-HumanSeg v1 lite", "256x256"),
    "sinet-clova": ("sinet-clova.onnx", "SINet", "224x224"),
    "sinet-aisegment": ("sinet-aisegment.onnx", "SINet", "320x320"),
    "u2netp": ("u2netp.onnx", "U2-Net-p, min-max stretched", "320x320"),
    "modnet": ("modnet.onnx", "MODNet", "short side 512"),
    "rvm-mobilenetv3": (
        "rvm_mobilenetv3.onnx",
        "RobustVideoMatting MobileNetV3, one frame with an empty memory",
        "own size, at most 512 inside",
    ),
}
"""Name: its file of weights, the network, its input as height x width."""

RUNTIMES = {"onnx": ("ONNX Runtime", "onnxruntime"), "tflite": ("LiteRT", "ai-edge-litert")}


@dataclass(frozen=True)
class Peer:
    segment: Callable[..., Any]
    file: Path
    network: str
    input: str
    runtime: str


def load(name: str, module: Path, folder: Path, threads: int) -> Peer:
    """The peer `name` of the interface file `module` with its weights from `folder`.

    Raises `ValueError` where the name is unknown or a file is missing.
    """
    if name not in FILES:
        near = get_close_matches(name, FILES, n=1)
        raise ValueError(
            f"no peer {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(FILES)}")
        )
    file, network, size = FILES[name]
    for path in (module, folder / file):
        if not path.is_file():
            raise ValueError(f"peer {name}: no file {path}")
    spec = importlib.util.spec_from_file_location("fastportrait_peers_interface", module)
    assert spec is not None
    assert spec.loader is not None
    interface = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(interface)
    if name not in interface.PEERS:
        raise ValueError(f"{module}: its PEERS has no {name!r}, only {', '.join(interface.PEERS)}")
    return Peer(interface.PEERS[name](folder, threads), folder / file, network, size, runtime(file))


def runtime(file: str) -> str:
    """ "ONNX Runtime 1.22.0, CPU": what runs a file of this ending, with its version."""
    from importlib.metadata import version

    name, package = RUNTIMES[file.rpartition(".")[2]]
    return f"{name} {version(package)}, CPU"
