"""Engines: what runs a model file, one file a runtime, all with one face.

An engine that needs more than the core install lives elsewhere and is found by its entry point in the group
"fastportrait.engines", whose name is the file ending it runs: `pip install` of any package can add one.
"""

from contextlib import suppress
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
    """The model at `path`, ready to run by `engine`: "auto", a file ending, or a device of ONNX Runtime.

    `path` is a file, or a folder that `fastportrait export` wrote, or its portrait.json. "auto" is a file's
    own engine on the CPU, and of a folder the fastest of those that are installed, devices among them,
    measured here and now. Raises ModelError; an engine or a device that is asked for and absent is never
    replaced by another.
    """
    from .devices import DEVICES

    path = Path(path)
    if threads is not None and threads < 1:
        raise ModelError(f"threads is {threads}; it must be at least 1, or None for a good number")
    if engine not in ("auto", *DEVICES, *available()):
        there = ", ".join(sorted(available()))
        raise ModelError(f"no engine {engine!r}; there are {there}, and of devices {', '.join(DEVICES)}")
    if path.is_dir():
        path = path / "portrait.json"
    if path.name == "portrait.json" and path.is_file():
        return _of_a_folder(path, engine, threads)
    if engine in DEVICES:
        return _open(path, "onnx", threads, device=engine)
    return _open(path, _ending(path) if engine == "auto" else engine, threads)


def _of_a_folder(description: Path, engine: str, threads: int | None) -> Engine:
    """The model of a portrait.json by `engine`, as `open_engine`."""
    from .choice import fastest, files
    from .devices import DEVICES

    by_ending = {_ending(path): path for path in files(description).values()}
    if engine != "auto":
        wanted = "onnx" if engine in DEVICES else engine
        if wanted not in by_ending:
            has = ", ".join(by_ending) or "none"
            raise ModelError(f"{description}: names no .{wanted} file, which {engine} runs; it has {has}")
        device = engine if engine in DEVICES else None
        return _open(by_ending[wanted], wanted, threads, device=device)
    known, opened, absent = available(), [], []
    for ending, path in by_ending.items():
        if ending not in known:
            continue
        try:
            known[ending].load()
        except ImportError as error:
            absent.append(f".{ending} ({error}; {cure(ending)})")
            continue
        opened.append(_open(path, ending, threads))
        for device in _present() if ending == "onnx" else ():
            with suppress(ModelError):  # built in, and no such card: nobody asked for it
                opened.append(_open(path, ending, threads, device=device))
    if not opened:
        raise ModelError(f"{description}: none of its files can run here: {', '.join(absent) or 'no engine'}")
    return fastest(opened)


def _present() -> list[str]:
    """The devices that this ONNX Runtime was built for."""
    import onnxruntime

    from .devices import DEVICES

    providers = onnxruntime.get_available_providers()
    return [name for name, device in DEVICES.items() if device.provider in providers]


def _ending(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _open(path: Path, wanted: str, threads: int | None, device: str | None = None) -> Engine:
    known = available()
    if wanted not in known:
        endings = ", ".join(sorted(known))
        raise ModelError(f"{path}: no engine for the ending {path.suffix!r}; there are {endings}")
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        build = known[wanted].load()
    except ImportError as error:
        raise ModelError(
            f"{path}: the engine {wanted!r} is not installed ({error}); {cure(wanted)}"
        ) from None
    try:
        made: Engine = build(path, threads=threads, device=device) if device else build(path, threads=threads)
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
