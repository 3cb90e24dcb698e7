"""Engines: what runs a model file, one file a runtime, all with one face.

An engine that needs more than the core install lives elsewhere and is found by its entry point in the group
"fastportrait.engines", whose name is the file ending it runs: `pip install` of any package can add one.
"""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

EXTRAS = {"safetensors": "nets", "tflite": "litert", "param": "ncnn"}
"""Engine -> the extra of this package that brings what it needs."""


class ModelError(ValueError):
    """A model that cannot be found or run; the message says what would be right."""


class Engine(Protocol):
    """Made by `Engine(path, threads=None)`; `threads` is the CPU threads it may use, None a good number.

    Raises ModelError where the file is not a portrait network that it can run.
    """

    name: str
    """What runs it, in words: "ONNX Runtime 1.22.0, CPU"."""
    size: tuple[int, int]
    """Height and width of the network's input."""
    card: dict[str, Any]
    """What the file says about itself: network, data, terms, scores; empty where it says nothing."""

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB in [0, 1], (1, 3, h, w) -> alpha in [0, 1], (1, 1, h, w)."""
        ...


def available() -> dict[str, EntryPoint]:
    """The engines by file ending. Not loaded yet: what they need may be missing."""
    return {point.name: point for point in entry_points(group="fastportrait.engines")}


def open_engine(path: str | Path, *, engine: str = "auto", threads: int | None = None) -> Engine:
    """The model file `path`, ready to run, by the engine of its ending or by the one that is named.

    Raises ModelError; an engine that is asked for and absent is never replaced by another.
    """
    path, known = Path(path), available()
    if threads is not None and threads < 1:
        raise ModelError(f"threads is {threads}; it must be at least 1, or None for a good number")
    wanted = path.suffix.lower().removeprefix(".") if engine == "auto" else engine
    if wanted not in known:
        what = (
            f"{path}: no engine for the ending {path.suffix!r}"
            if engine == "auto"
            else f"no engine {engine!r}"
        )
        raise ModelError(f"{what}; there are {', '.join(sorted(known))}")
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        build = known[wanted].load()
    except ImportError as error:
        raise ModelError(
            f"{path}: the engine {wanted!r} is not installed ({error}); {cure(wanted)}"
        ) from None
    try:
        made: Engine = build(path, threads=threads)
    except ValueError:
        raise
    except Exception as error:  # every runtime has exceptions of its own for a file that it cannot read
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{path}: the engine {wanted!r} cannot load it: {reason}") from error
    return made


def cure(engine: str) -> str:
    """How to get an engine that is not there."""
    extra = f"[{EXTRAS[engine]}]" if engine in EXTRAS else ""
    return f"run: pip install 'fastportrait{extra}'"
