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
from numpy.typing import NDArray
from PIL import Image

from fastportrait import transform, weights
from fastportrait.data.made import figure
from fastportrait.segmenter import PRESENT, SHARE, Segmenter

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "app" / "model"


def frames() -> list[NDArray[np.uint8]]:
    """Wide, tall, enlarged in one direction and drawn: every branch of the resize."""
    astronaut = np.asarray(Image.open(ROOT / "examples/astronaut.jpg").convert("RGB"))
    drawn, _ = figure(300, np.random.default_rng(5))
    return [astronaut[:400, :], astronaut[:, 90:390], astronaut[:200, 100:440], drawn]


def contract() -> tuple[dict[str, Any], dict[str, NDArray[np.uint8]]]:
    """portrait.json and the pictures it names, by path."""
    segmenter = Segmenter("small", threads=1)
    height, width = segmenter.engine.size
    path = weights.find("small")
    card = next(card for card in weights.list_models() if card["name"] == "small")
    pictures, vectors = {}, []
    for index, frame in enumerate(frames()):
        names = {key: f"vectors/{index}-{key}.png" for key in ("frame", "image", "alpha")}
        image, _ = transform.to_network(frame, (height, width))
        pictures[names["frame"]] = np.ascontiguousarray(frame)
        pictures[names["image"]] = np.rint(image[0].transpose(1, 2, 0) * 255).astype(np.uint8)
        pictures[names["alpha"]] = np.rint(segmenter.mask(frame) * 255).astype(np.uint8)
        vectors.append({**names, "mean_tolerance": 0.01, "iou": 0.99})
    return {
        "schema": "portrait/1",
        "name": "small",
        "network": card["network"],
        "input": {
            "height": height,
            "width": width,
            "channels": "RGB",
            "range": [0, 1],
            "fit": "squash",
            "resize": "area where it shrinks, bilinear with half-pixel centres where it grows",
        },
        "output": {"height": height, "width": width, "meaning": "alpha", "range": [0, 1]},
        "presence": {
            "share": SHARE,
            "threshold": PRESENT,
            "rule": "mean of the most confident share of the mask; below threshold nobody is there",
        },
        "files": {
            "onnx": {
                "file": path.name,
                "sha256": card["sha256"],
                "bytes": card["bytes"],
                "layout": "NCHW",
                "input": "image",
                "output": "alpha",
                "precision": card["precision"],
            }
        },
        "vectors": vectors,
        "card": {key: card[key] for key in ("params", "macs", "data", "terms", "licence_of_code")},
    }, pictures


def check(made: dict[str, Any], pictures: dict[str, NDArray[np.uint8]]) -> list[str]:
    """What in OUT differs; pictures may by one step, for another processor rounds otherwise."""
    path = OUT / "portrait.json"
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
    (OUT / "vectors").mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(OUT / name, optimize=True)
    (OUT / "portrait.json").write_text(json.dumps(made, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
