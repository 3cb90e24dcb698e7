"""The fastest of a model's files on this machine, measured: what `engine="auto"` takes of a folder.

The folder holds portrait.json, as `fastportrait export` writes it, and the files of a network that it names.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from . import Engine, ModelError

NAME = "portrait.json"
ROUNDS, WARM = 5, 2


def files(description: Path) -> dict[str, Path]:
    """{format: its file} of a portrait.json; ModelError where it is none, or a file is missing or altered."""
    try:
        told = json.loads(description.read_text(encoding="utf-8"))
        named = {form: (str(entry["file"]), str(entry["sha256"])) for form, entry in told["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{description}: is no {NAME} as `fastportrait export` writes it") from None
    found = {}
    for form, (name, sha256) in named.items():
        path = description.parent / name
        if path.parent != description.parent or not path.exists():
            raise ModelError(f"{path}: is missing, {description.name} names it")
        if digest(path)[0] != sha256:
            raise ModelError(
                f"{path}: is not the file that {description.name} describes (its SHA-256 is wrong)"
            )
        found[form] = path
    return found


def parts(path: Path) -> list[Path]:
    """The files that a model consists of: itself, what a folder holds, or ncnn's two."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    beside = path.with_suffix(".bin")
    return [path, beside] if path.name.endswith(".ncnn.param") and beside.is_file() else [path]


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 and bytes of a model; of several files that of their "SHA-256  NAME" lines, as sha256sum's."""
    held = parts(path)
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in held]
    count = sum(file.stat().st_size for file in held)
    if held == [path]:
        return digests[0], count
    names = [file.relative_to(path if path.is_dir() else path.parent).as_posix() for file in held]
    lines = "".join(f"{sha256}  {name}\n" for sha256, name in zip(digests, names, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest(), count


def fastest(engines: list[Engine], clock: Callable[[], float] = perf_counter) -> Engine:
    """The one whose median of a few runs is the least, all on one grey picture, taking turns."""
    if len(engines) == 1:
        return engines[0]
    times: list[list[float]] = [[] for _ in engines]
    images: list[Any] = [np.full((1, 3, *engine.size), 0.5, np.float32) for engine in engines]
    for turn in range(WARM + ROUNDS):
        for engine, image, taken in zip(engines, images, times, strict=True):
            start = clock()
            engine(image)
            if turn >= WARM:
                taken.append(clock() - start)
    return engines[int(np.argmin([np.median(taken) for taken in times]))]
