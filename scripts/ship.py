"""Trained weights into the package: `python scripts/ship.py recipes/small.safetensors --data DIR`.

Exports to ONNX with half-precision weights, measures the file on val, puts the scores in its card and writes
`src/fastportrait/weights/NAME.onnx` and its entry in `cards.json`. Scores on test stand in `results/`: a file
that held its own would have another checksum than the one that was measured.
"""

import argparse
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from fastportrait.data.shards import data_folder, read
from fastportrait.evaluate import evaluate
from fastportrait.export import export
from fastportrait.export.pictures import gather
from fastportrait.nets.weights import read_about
from fastportrait.segmenter import Segmenter

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "src" / "fastportrait" / "weights"
LARGEST = 1_000_000
PERCENT = ("iou", "miou", "boundary_iou", "iou_p5")


def with_card(path: Path, more: dict[str, Any]) -> dict[str, Any]:
    """The ONNX file's card with `more` in it, written back into the file."""
    import onnx

    model = onnx.load(path)
    card = json.loads(next(p.value for p in model.metadata_props if p.key == "card")) | more
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    path.write_bytes(model.SerializeToString())
    return card


def in_points(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    """Shares as per cent, differences as thousandths: how the tables print them."""
    shown = {name: score["value"] for name, score in scores.items() if name in (*PERCENT, "mad")}
    return {name: round(value * (100 if name in PERCENT else 1000), 2) for name, value in shown.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    args = parser.parse_args()
    name = args.weights.stem

    with tempfile.TemporaryDirectory(dir=WEIGHTS) as folder:
        data_from = args.data or data_folder()
        size = read_about(args.weights).size
        pictures = gather(size, data_from)
        written = export(args.weights, Path(folder), precision="fp16", pictures=pictures)
        path = written.path
        measured = evaluate(name, Segmenter(path), read(data_from, "val"))
        scores = {"val": in_points(measured["scores"])}
        card = with_card(path, {"scores": scores})
        data = path.read_bytes()
        if len(data) > LARGEST:
            raise SystemExit(f"{name}.onnx has {len(data):,} bytes; more than {LARGEST:,} do not ship")
        os.replace(path, WEIGHTS / f"{name}.onnx")

    cards = json.loads((WEIGHTS / "cards.json").read_text())
    digest = hashlib.sha256(data).hexdigest()
    cards[name] = card | {"file": f"{name}.onnx", "bytes": len(data), "sha256": digest}
    partial = WEIGHTS / "cards.json.partial"
    partial.write_text(json.dumps(cards, indent=2) + "\n")
    os.replace(partial, WEIGHTS / "cards.json")
    print(
        f"{name}.onnx: {len(data):,} bytes, alpha within {written.parity.max_alpha:.1e} of PyTorch, {scores}"
    )


if __name__ == "__main__":
    main()
