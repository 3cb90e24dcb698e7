"""What 8 bits cost a model's masks: `python scripts/measure_int8.py [--weights FILE] [--to onnx,litert]`.

Climbs the int8 ladder in each format (`fastportrait.export.int8`): ranges from train, every rung judged on
val. Then the file that was kept, and the float32 file beside it, are measured on val as `fastportrait
evaluate` does it, edges refined. Writes results/choices/int8.json after each format.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from fastportrait import Segmenter, results
from fastportrait.data.shards import data_folder, read
from fastportrait.evaluate import evaluate
from fastportrait.export import digest, export
from fastportrait.export.gate import LOSS
from fastportrait.export.pictures import gather
from fastportrait.nets.weights import read_about


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=Path("recipes/small.safetensors"))
    parser.add_argument("--to", default="onnx,litert")
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--out", type=Path, default=Path("results/choices/int8.json"))
    args = parser.parse_args()

    data = args.data or data_folder()
    pictures = gather(read_about(args.weights).size, data, quantise=True)
    old = results.read(args.out) if args.out.exists() else {"rungs": [], "files": []}
    rungs, files = old["rungs"], old["files"]
    for form in args.to.split(","):
        rungs = [row for row in rungs if row["format"] != form]
        files = [row for row in files if row["format"] != form]
        with tempfile.TemporaryDirectory() as folder:
            made = export(args.weights, Path(folder) / "int8", to=form, precision="int8", pictures=pictures)
            for rung in made.rungs:
                row: dict[str, Any] = {"format": form, "rung": rung.name, "in_float": len(rung.kept)}
                row |= {"iou": round(rung.iou, 5), "boundary_iou": round(rung.boundary_iou, 5)}
                row |= {f"lost_{name}": round(value, 5) for name, value in rung.loss.items()}
                rungs.append(row | {"holds": rung.ok, "kept": rung is made.rungs[-1]})
                print(row["format"], rung.name, rung.loss, "holds" if rung.ok else "fails", flush=True)
            whole = export(args.weights, Path(folder) / "fp32", to=form, pictures=pictures)
            for what, path in (("float32", whole.path), (made.rungs[-1].name, made.path)):
                scores = evaluate(what, Segmenter(path, threads=1), read(data, "val"))["scores"]
                row = {"format": form, "file": what, "bytes": digest(path)[1]}
                row |= {name: scores[name]["value"] for name in ("iou", "boundary_iou", "mad")}
                files.append(row)
                print(row, flush=True)
        result = {
            "schema": "int8/1",
            "date": date.today().isoformat(),
            "commit": results.commit(),
            "model": args.weights.stem,
            "sha256": results.sha256(args.weights),
            "calibration": len(pictures.calibration),
            "judged_on": len(pictures.labelled),
            "allowed": LOSS,
            "rungs": rungs,
            "files": files,
        }
        results.write(result, args.out)


if __name__ == "__main__":
    main()
