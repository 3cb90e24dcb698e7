"""From trained weights to a file that a runtime reads: deploy, convert, compare, and only then keep.

Each format is one module with the same face (`Target`); a converter is imported when it is asked for.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..engines.choice import digest, parts
from ..nets.card import measure
from ..nets.network import Network, check_size
from ..nets.weights import About, load, network_card
from . import gate, int8, portrait
from .gate import Parity
from .int8 import Rung, climb, describe
from .int8_recipe import write_recipe
from .pictures import Picture, Pictures, gather

__all__ = [
    "TARGETS",
    "MissingConverter",
    "Target",
    "Written",
    "card_of",
    "digest",
    "export",
    "parts",
    "target",
    "write",
]

TARGETS = {
    "onnx": ".onnx",
    "litert": ".litert",
    "executorch": ".executorch",
    "coreml": ".coreml",
    "ncnn": ".ncnn",
}
"""What one types after --to, and the module here that writes it."""


class Target(Protocol):
    """A module that writes and runs one format."""

    NAME: str
    ENDING: str
    """Of the file, or of the folder or the first of the files where there are several: ".tflite"."""
    PACKAGE: str
    """The extra of this package that brings the converter and the runtime: "export-litert"."""
    PRECISIONS: tuple[str, ...]

    @staticmethod
    def convert(
        net: Network,
        size: tuple[int, int],
        card: dict[str, Any],
        precision: str,
        path: Path,
        calibration: list[Picture],
    ) -> None:
        """Writes `path` for `net`, deployed there: image (1, 3, h, w) in [0, 1] -> alpha (1, 1, h, w)."""

    @staticmethod
    def runner(path: Path) -> Callable[[Picture], Picture]:
        """`path` in its own runtime: (1, 3, h, w) -> (1, 1, h, w), float32."""
        ...


class MissingConverter(ValueError):
    """A package that a format needs is not installed; the message says which extra brings it."""


@dataclass(frozen=True)
class Written:
    """A file that passed the gate."""

    path: Path
    target: str
    precision: str
    parity: Parity
    rungs: list[Rung]
    """int8: the ways that were tried, the one that was kept last."""
    recipe: Path | None = None
    """int8 that needs layers in float: what to give `fastportrait train` next."""


def target(name: str) -> Target:
    """The format of that name. Raises `ValueError` on an unknown one."""
    if name not in TARGETS:
        raise ValueError(f"no format {name!r}; there are {', '.join(TARGETS)}")
    found: Target = import_module(TARGETS[name], __package__)  # type: ignore[assignment]
    return found


def export(
    weights: Path,
    out: Path,
    *,
    to: str = "onnx",
    precision: str = "fp32",
    size: tuple[int, int] | None = None,
    pictures: Pictures | None = None,
) -> Written:
    """Writes `out`/NAME for the .safetensors file `weights` in the format `to`, NAME being the weights' own,
    and describes it in `out`/portrait.json.

    `pictures` is what file and network are compared on; None draws eight. Raises `ValueError` where the
    network cannot take `size`, a converter is missing, or the file would not give the network's masks.
    """
    net, about = load(weights)
    size = size or about.size
    check_size(net, size)
    card = card_of(about, weights, size, precision)
    portrait.room(out, weights.stem)
    written = write(net, size, card, weights.stem, out, to=to, precision=precision, pictures=pictures)
    portrait.add(out, weights.stem, net, card, target(to), written)
    return replace(written, recipe=write_recipe(out, weights, about, written.rungs))


def write(
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    name: str,
    out: Path,
    *,
    to: str = "onnx",
    precision: str = "fp32",
    pictures: Pictures | None = None,
) -> Written:
    """As `export`, for a network that is loaded already; `card` is what the file will say about itself."""
    form = target(to)
    if precision not in form.PRECISIONS:
        raise ValueError(f"{to} has no {precision}; it has {', '.join(form.PRECISIONS)}")
    pictures = pictures or gather(size)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        path = Path(folder) / f"{name}{form.ENDING}"
        steps = _ladder(form, net, size, card, path, pictures) if precision == "int8" else []
        run = form.runner(path) if steps else _converted(form, net, size, card, precision, path, pictures)
        loss = steps[-1].loss if steps else None
        parity = gate.passed(form, path, run, net, precision, pictures, loss)
        for made in sorted(Path(folder).glob(f"{name}.*")):
            _move(made, out / made.name)
    return Written(out / path.name, to, precision, parity, steps)


def _ladder(
    form: Target, net: Network, size: tuple[int, int], card: dict[str, Any], path: Path, pictures: Pictures
) -> list[Rung]:
    """Writes `path` by the int8 ladder, where the format has one; its converter may have its own way."""
    make = getattr(form, "quantiser", None)
    if make is None:
        return []
    int8.check(pictures)
    with _named(form):
        quantiser = make(net, size, card, path.parent, pictures.calibration)
        rungs = climb(quantiser, form.runner, net, path, pictures)
        form.write_card(path, card | {"int8": describe(rungs[-1])})  # type: ignore[attr-defined]
    return rungs


def _converted(
    form: Target,
    net: Network,
    size: tuple[int, int],
    card: dict[str, Any],
    precision: str,
    path: Path,
    pictures: Pictures,
) -> Callable[[Picture], Picture]:
    """`path` written and loaded."""
    with _named(form):
        form.convert(net, size, card, precision, path, pictures.calibration)
        return form.runner(path)


@contextmanager
def _named(form: Target) -> Iterator[None]:
    """What a converter raises becomes one line, and a missing one the line to type."""
    try:
        yield
    except ImportError as error:
        missing = error.name or str(error)
        raise MissingConverter(
            f"{form.NAME} needs {missing}, which is not here: pip install 'fastportrait[{form.PACKAGE}]'"
        ) from error
    except ValueError:
        raise
    except Exception as error:  # every converter has exceptions of its own
        reason = " ".join(str(error).split())[:400]
        raise ValueError(f"{form.NAME} cannot convert it: {type(error).__name__}: {reason}") from error


def _move(made: Path, place: Path) -> None:
    """A file replaces what has its name at once; a folder, which cannot, makes room first."""
    if place.is_dir():
        shutil.rmtree(place)
    os.replace(made, place)


def card_of(about: About, weights: Path, size: tuple[int, int], precision: str) -> dict[str, Any]:
    """What the file says about itself."""
    cost = measure(network_card(about.network, about.plan, about.size).build, size)
    rounded = {"quantise_aware": True} if about.quantise_aware else {}
    return rounded | {
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
