"""Writes what the code says of the zoo: zoo.json in the package, and a silhouette a network in docs/zoo/.

    python scripts/zoo.py            # write
    python scripts/zoo.py --check    # exit 1 where a file is not what the code says

RUN reads zoo.json, so that `fastportrait models` needs no torch.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fastportrait import results
from fastportrait.nets import MODULES
from fastportrait.nets.card import Card, Published, measure, paper
from fastportrait.nets.draw import silhouette
from fastportrait.nets.layers import layers

ROOT = Path(__file__).parents[1]


def network(card: Card, module: Any) -> dict[str, Any]:
    """One line of the zoo, as a phone runs it. `weights` is the repository's file of trained ones, if any: of
    a recipe of its own, or of the leaderboard's short schedule."""
    cost = measure(card.phone or card.build, card.size)
    source = paper(module.__doc__)
    places = [f"{folder}/{card.name}.safetensors" for folder in ("recipes", "weights")]
    return {
        "name": card.name,
        "module": module.__name__.rpartition(".")[2],
        "file": f"nets/{module.__name__.rpartition('.')[2]}.py",
        "paper": source.title if source else "our own",
        "authors": source.authors if source else "the fastportrait authors",
        "year": source.year if source else None,
        "link": source.link if source else None,
        "size": list(card.size),
        "params": cost.params,
        "macs": cost.macs,
        "weights": next((place for place in places if (ROOT / place).exists()), None),
        "scores": scores(card.name),
    }


def scores(name: str) -> dict[str, dict[str, float]]:
    """By split, in %, of the weights that the repository keeps; nothing where they were not measured."""
    own = (ROOT / "recipes" / f"{name}.safetensors").exists()
    folder = ROOT / "results" / "accuracy" / ("" if own else "board")
    found = {}
    for split in ("val", "test"):
        path = folder / f"{name}-{split}.json"
        if path.exists():
            measured = results.read(path)["scores"]
            found[split] = {m: round(100 * measured[m]["value"], 2) for m in ("iou", "boundary_iou")}
    return found


def published(row: Published, module: Any) -> dict[str, Any]:
    """One build of a paper: what is said of it, and what ours has."""
    channels, height, width = row.image
    cost = measure(row.build, (height, width), channels, row.helpers)
    return {
        "name": row.name,
        "module": module.__name__.rpartition(".")[2],
        "image": list(row.image),
        "params": cost.params,
        "macs": cost.macs,
        "published_params": row.params,
        "published_macs": row.macs,
        "helpers": row.helpers,
    }


def drawing(module: Any) -> str:
    """The silhouette of a module's first network, as SVG."""
    card = module.CARDS[0]
    found = layers(card.phone or card.build, card.size)
    height, width = card.size
    title = f"{card.name}: {found[0].macs / 1e6:,.0f} M MACs at {height} x {width}"
    return silhouette(title, found, height)


def files() -> dict[Path, str]:
    """Every file that this script keeps, and what it should hold."""
    zoo = {
        "networks": [network(card, module) for module in MODULES for card in module.CARDS],
        "published": [published(row, module) for module in MODULES for row in module.PUBLISHED],
    }
    made = {ROOT / "src/fastportrait/weights/zoo.json": json.dumps(zoo, indent=1) + "\n"}
    for module in MODULES:
        if module.CARDS:
            made[ROOT / f"docs/zoo/{module.__name__.rpartition('.')[2]}.svg"] = drawing(module)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 where a file is old")
    check = parser.parse_args().check
    old = 0
    for path, text in files().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        old += 1
        if check:
            print(f"{path.relative_to(ROOT)} is out of date: run python scripts/zoo.py", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)} written")
    return 1 if old and check else 0


if __name__ == "__main__":
    sys.exit(main())
