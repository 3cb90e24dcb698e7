"""What can be measured: a shipped model, a network of the zoo with weights, a file, or peer:NAME."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .results import sha256
from .weights import find, list_models, list_networks

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Contender:
    segment: Callable[..., Any]
    """(H, W, 3) uint8 RGB -> (H, W) float32 in [0, 1]."""
    about: dict[str, Any]
    """`model` of a result file: name, file, sha256, network, input."""
    machine: dict[str, Any]
    """Of its `machine`: threads (0: the runtime's choice) and runtime."""


def load(
    model: str, threads: int | None = None, peers: Path | None = None, peers_module: Path | None = None
) -> Contender:
    """`model` ready to run; raises `ValueError` where it cannot be had."""
    if model.startswith("peer:"):
        return _peer(model.removeprefix("peer:"), threads or 1, peers, peers_module)
    from .segmenter import Segmenter

    shipped = [card["name"] for card in list_models()]
    file = find(model) if model in shipped else (_of_the_zoo(model) or find(model))
    segmenter = Segmenter(model if model in shipped else file, threads=threads)
    engine = segmenter.engine
    about = {
        "name": model if model in shipped else file.stem,
        "file": file.name,
        "sha256": sha256(file),
        "network": str(engine.card.get("network", "not named in the file")),
        "input": f"{engine.size[0]}x{engine.size[1]}",
    }
    return Contender(segmenter, about, {"threads": threads or 0, "runtime": engine.name})


def load_all(
    models: list[str], threads: int | None = None, peers: Path | None = None, peers_module: Path | None = None
) -> list[Contender]:
    """Each as by `load`; those of one name are called by what they were asked for, as two runs of a recipe.

    Raises `ValueError` where one is named twice.
    """
    twice = sorted({model for model in models if models.count(model) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}: named twice")
    found = [load(model, threads, peers, peers_module) for model in models]
    names = [contender.about["name"] for contender in found]
    return [
        Contender(c.segment, c.about | {"name": model}, c.machine) if names.count(c.about["name"]) > 1 else c
        for model, c in zip(models, found, strict=True)
    ]


def weights_of(model: str) -> Path:
    """The .safetensors file of `model`: a file, or a network of the zoo that this checkout has weights of.

    Raises `ValueError` where there is none.
    """
    path = Path(model)
    if path.suffix == ".safetensors" or path.is_file():
        return path
    found = _of_the_zoo(model)
    if found is None:
        near = get_close_matches(model, [network["name"] for network in list_networks()], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see `fastportrait models`"
        raise ValueError(
            f"no weights {model!r}: neither a .safetensors file nor a network of the zoo; {hint}"
        )
    return found


def _of_the_zoo(name: str) -> Path | None:
    """The weights that a checkout of the project keeps of a network of the zoo; None for any other name."""
    if Path(name).is_file() or name not in {network["name"] for network in list_networks()}:
        return None
    places = [CHECKOUT / folder / f"{name}.safetensors" for folder in ("recipes", "weights")]
    for path in places:
        if path.is_file():
            return path
    raise ValueError(
        f"{name} is a network of the zoo, and has no weights here: train it by its recipe and name the file "
        f"that this gives, e.g. runs/{name}/{name}.safetensors"
    )


def _peer(name: str, threads: int, peers: Path | None, peers_module: Path | None) -> Contender:
    from .peers import load as load_peer

    if peers is None or peers_module is None:
        raise ValueError(
            f"peer:{name} needs --peers FOLDER (its weights) and --peers-module FILE (what runs them)"
        )
    peer = load_peer(name, peers_module, peers, threads)
    about = {
        "name": name,
        "file": peer.file.name,
        "sha256": sha256(peer.file),
        "network": peer.network,
        "input": peer.input,
    }
    return Contender(peer.segment, about, {"threads": threads, "runtime": peer.runtime})
