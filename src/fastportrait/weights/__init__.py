"""The shipped models: files beside this one; cards.json, written by the export, lists them."""

import hashlib
import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..engines import ModelError

FOLDER = Path(__file__).parent
NETWORKS = FOLDER / "zoo.json"  # written by scripts/zoo.py
DEFAULT = "small"


def list_models() -> list[dict[str, Any]]:
    """The shipped models, each with its card and its name, file, bytes and sha256. Loads no runtime."""
    cards = json.loads((FOLDER / "cards.json").read_text("utf-8"))
    return [{**card, "name": name} for name, card in cards.items()]


def list_networks() -> list[dict[str, Any]]:
    """Every network of the zoo, trained or not: name, file, paper, year, size, params, macs, weights, scores,
    and `shipped`: the name of its model here, if it has one. Loads no runtime."""
    shipped = {card["network"]: card for card in list_models()}
    zoo = json.loads(NETWORKS.read_text("utf-8"))["networks"]
    return [
        {**network, "shipped": shipped[network["name"]]["name"] if network["name"] in shipped else None}
        for network in zoo
    ]


def find(model: str | Path | None = None) -> Path:
    """The file of a shipped model (its checksum verified), by name, or the file that a path names, or the
    portrait.json of a folder.

    Raises ModelError where there is neither.
    """
    model = DEFAULT if model is None else model
    shipped = {card["name"]: card for card in list_models()}
    if model in shipped:
        return verified(shipped[str(model)])
    if Path(model).is_file():
        return Path(model)
    if Path(model).is_dir():
        described = Path(model) / "portrait.json"
        if described.is_file():
            return described
        raise ModelError(
            f"{model}: a folder without a portrait.json; name one of its files, or export into it"
        )
    near = get_close_matches(str(model), shipped, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped: {', '.join(shipped) or 'none'}"
    raise ModelError(f"no model {str(model)!r}: neither a shipped name nor a file; {hint}")


def verified(card: dict[str, Any]) -> Path:
    """The file of a shipped model if it is what its card says; ModelError if it is missing or altered."""
    path = FOLDER / card["file"]
    cure = "reinstall: pip install --force-reinstall fastportrait"
    if not path.is_file():
        raise ModelError(f"{path}: the shipped model {card['name']!r} is missing; {cure}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != card["sha256"]:  # 1 MB: 1 ms
        raise ModelError(
            f"{path}: the shipped model {card['name']!r} is damaged (its SHA-256 is wrong); {cure}"
        )
    return path
