"""What the app must agree with: portrait.json and its test vectors, made from the shipped model by Python.

    python scripts/app_model.py [--check]

Writes app/model/portrait.json and app/model/vectors/*.png from examples/astronaut.jpg and drawn figures.
`--check` writes nothing and fails where what is there is not what this would write.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fastportrait import Segmenter, weights
from fastportrait.data.made import figure
from fastportrait.export import portrait

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "app" / "model"


def frames() -> list[portrait.Array8]:
    """Wide, tall, enlarged in one direction and drawn: every branch of the resize."""
    astronaut = np.asarray(Image.open(ROOT / "examples/astronaut.jpg").convert("RGB"))
    drawn, _ = figure(300, np.random.default_rng(5))
    wide, tall, flat = astronaut[:400, :], astronaut[:, 90:390], astronaut[:200, 100:440]
    return [np.ascontiguousarray(frame) for frame in (wide, tall, flat, drawn)]


def contract() -> tuple[dict[str, Any], dict[str, portrait.Array8]]:
    """portrait.json and the pictures it names, by path."""
    engine = Segmenter("small", threads=1).engine
    card = next(card for card in weights.list_models() if card["name"] == "small")
    rows, pictures = portrait.vectors(frames(), engine.size, lambda image: engine(image)[0, 0])
    about = {key: card[key] for key in ("params", "macs", "data", "terms", "licence_of_code")}
    made = portrait.description("small", engine.size, about)
    made["files"] = {"onnx": portrait.entry("onnx", weights.find("small"), card["precision"])}
    return made | {"network": card["network"], "vectors": rows}, pictures


def check(made: dict[str, Any], pictures: dict[str, portrait.Array8]) -> list[str]:
    """What in OUT differs; pictures may by one step, for another processor rounds otherwise."""
    path = OUT / portrait.NAME
    wrong = [] if path.is_file() and json.loads(path.read_text("utf-8")) == made else [path.name]
    for name, pixels in pictures.items():
        there = np.asarray(Image.open(OUT / name)) if (OUT / name).is_file() else np.empty(0)
        if there.shape != pixels.shape or np.abs(there.astype(int) - pixels).max() > 1:
            wrong.append(name)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    made, pictures = contract()
    if parser.parse_args().check:
        wrong = check(made, pictures)
        if wrong:
            sys.exit(f"app/model: {', '.join(wrong)} not up to date; run: python scripts/app_model.py")
        return
    portrait.write(OUT, made, pictures)


if __name__ == "__main__":
    main()
