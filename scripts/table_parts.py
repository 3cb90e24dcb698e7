"""What the tables of tables.py and its neighbours share."""

import json
from pathlib import Path
from typing import Any

from fastportrait import results


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Markdown; nothing where there is no row yet."""
    lines = [heads, ["-"] + ["-:"] * (len(heads) - 1), *rows] if rows else []
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def measured(root: Path, split: str, peers: bool = True) -> dict[str, dict[str, dict[str, float]]]:
    """{model: its scores on `split`}; the board's have tables of their own. `peers`: other systems' too."""
    folder = root / "results" / "accuracy"
    paths = sorted([*folder.glob("*.json"), *(folder.glob("peers/*.json") if peers else ())])
    found = [results.read(path) for path in paths]
    return {r["model"]["name"]: r["scores"] for r in found if r["data"]["split"] == split}


def zoo(root: Path) -> Any:
    """What scripts/zoo.py wrote."""
    return json.loads((root / "src/fastportrait/weights/zoo.json").read_text(encoding="utf-8"))
