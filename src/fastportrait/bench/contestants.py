"""What `fastportrait bench` measures: networks, ours and others', each in a runtime on so many threads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contenders import Contender, load
from ..peers.custom_op import standard
from ..peers.systems import Peer
from ..segmenter import Segmenter
from ..transform import to_network
from . import cost
from .frame import drawn
from .latency import Run

ENDINGS = {"onnx": ".onnx", "litert": ".tflite", "ncnn": ".ncnn.param", "executorch": ".pte"}
"""Runtime: what an exported file for it is called."""


@dataclass(frozen=True)
class Contestant:
    model: str
    """As `contenders.load` takes it: for a process of its own."""
    about: dict[str, Any]
    """name, ours, network, input, file, sha256, bytes, runtime, threads of a row."""
    network: Run
    """The network alone, its input ready in memory."""
    frame: Callable[[NDArray[np.uint8]], Any]
    """(H, W, 3) uint8 -> its mask at its size, as a user gets it."""
    path: Path
    image: NDArray[np.float32]
    extra: dict[str, NDArray[Any]]

    @property
    def key(self) -> str:
        return f"{self.about['name']}, {self.about['runtime']}, {self.about['threads']}"

    def cost(self) -> cost.Cost | None:
        """None where its file does not say, or what reads it is not installed."""
        try:
            if self.path.suffix == ".onnx":
                return cost.onnx(self.path, self.image, self.extra)
            if self.path.suffix == ".tflite":
                return cost.litert(standard(self.path.read_bytes()))
        except ImportError:
            pass
        return None


def files(model: str, runtimes: list[str], exports: Path) -> list[str]:
    """`model` as what is to be loaded for every runtime: itself for ONNX Runtime, else its file in `exports`.

    A file or a peer runs in its own runtime alone. Raises `ValueError` where an exported file is missing.
    """
    if model.startswith("peer:") or Path(model).is_file() or not runtimes:
        return [model]
    found = []
    for runtime in runtimes:
        if runtime not in ENDINGS:
            raise ValueError(f"no runtime {runtime!r}; there are {', '.join(ENDINGS)}")
        path = exports / f"{model}{ENDINGS[runtime]}"
        if path.is_file():
            found.append(str(path))
        elif runtime == "onnx":
            found.append(model)  # shipped in this form
        else:
            raise ValueError(
                f"no file {path}: write it with fastportrait export {model} --to {runtime} --out {exports}, "
                "or name its folder with --exports"
            )
    return found


def contestant(model: str, threads: int, peers: Path | None) -> Contestant:
    """`model` ready to run. Raises `ValueError` where it cannot be had."""
    loaded = load(model, threads, peers)
    segment: Any = loaded.segment
    path = _path(model, loaded, peers)
    about = {
        "name": loaded.about["name"].removesuffix(".ncnn"),
        "ours": isinstance(segment, Segmenter),
        **{name: loaded.about[name] for name in ("network", "input", "file", "sha256")},
        "bytes": sum(p.stat().st_size for p in _files(path)),
        "runtime": loaded.machine["runtime"],
        "threads": threads,
    }
    if isinstance(segment, Peer):
        image = segment.prepare(drawn(512))
        extra = segment.extra(image)
        return Contestant(model, about, lambda: segment.network(image), segment, path, image, extra)
    engine = segment.engine
    image, _ = to_network(drawn(512), engine.size)
    return Contestant(model, about, lambda: engine(image), segment, path, image, {})


def _path(model: str, loaded: Contender, peers: Path | None) -> Path:
    from .. import peers as others
    from ..contenders import file_of

    if isinstance(loaded.segment, Peer):
        return others.find(model.removeprefix("peer:"), others.folder(peers))[1]
    return file_of(model)


def _files(path: Path) -> list[Path]:
    """A file, and beside ncnn's layout its weights."""
    weights = path.with_suffix(".bin")
    return [path, weights] if path.suffix == ".param" and weights.is_file() else [path]
