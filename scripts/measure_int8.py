"""What 8 bits cost a model's masks: `python scripts/measure_int8.py [--weights FILE...] [--to onnx,litert]`.

Climbs the int8 ladder in each format (`fastportrait.export.int8`): ranges from train, every rung judged on
val. Then the file that was kept, and the float32 file beside it, are measured on val as `fastportrait
evaluate` does it, edges refined. Several files of weights stand beside each other, as those that were
trained with the rounding in place beside those that they started from. Writes results/choices/int8.json
after each format of each; what it does not measure stays there as it is.
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
from fastportrait.export.pictures import Pictures, gather
from fastportrait.nets.weights import read_about

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, nargs="+", default=[Path("recipes/small.safetensors")])
    parser.add_argument("--to", default="onnx,litert")
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--out", type=Path, default=Path("results/choices/int8.json"))
    args = parser.parse_args()

    data = args.data or data_folder()
    for weights in args.weights:
        pictures = gather(read_about(weights).size, data, quantise=True)
        for form in args.to.split(","):
            add(args.out, weights, pictures, *measured(weights, form, data, pictures))


def measured(weights: Path, form: str, data: Path, pictures: Pictures) -> tuple[list[Row], list[Row]]:
    """The rungs that were tried for `weights` in the format `form`, and the files."""
    of: Row = {"weights": weights.stem, "format": form}
    rungs, files = [], []
    with tempfile.TemporaryDirectory() as folder:
        made = export(weights, Path(folder) / "int8", to=form, precision="int8", pictures=pictures)
        for rung in made.rungs:
            row = of | {"rung": rung.name, "in_float": len(rung.kept)}
            row |= {"iou": round(rung.iou, 5), "boundary_iou": round(rung.boundary_iou, 5)}
            row |= {f"lost_{name}": round(value, 5) for name, value in rung.loss.items()}
            row["shift"] = round(rung.shift, 4)
            rungs.append(row | {"holds": rung.ok, "kept": rung is made.rungs[-1]})
            print(weights.stem, form, rung.name, rung.loss, "holds" if rung.ok else "fails", flush=True)
        whole = export(weights, Path(folder) / "fp32", to=form, pictures=pictures)
        for what, path in (("float32", whole.path), (made.rungs[-1].name, made.path)):
            scores = evaluate(what, Segmenter(path, threads=1), read(data, "val"))["scores"]
            row = of | {"file": what, "bytes": digest(path)[1]}
            files.append(row | {name: scores[name]["value"] for name in ("iou", "boundary_iou", "mad")})
            print(files[-1], flush=True)
    return rungs, files


def add(out: Path, weights: Path, pictures: Pictures, rungs: list[Row], files: list[Row]) -> None:
    """Puts the rows of one format of `weights` into `out`, in the place of those that it had of it."""
    old = results.read(out) if out.exists() else {"models": [], "rungs": [], "files": []}
    model = {"name": weights.stem, "sha256": results.sha256(weights)}
    model["quantise_aware"] = read_about(weights).quantise_aware
    stays = {
        name: [
            row for row in old[name] if (row["weights"], row["format"]) != (weights.stem, new[0]["format"])
        ]
        for name, new in (("rungs", rungs), ("files", files))
    }
    models = [there for there in old["models"] if there["name"] != weights.stem] + [model]
    result = {
        "schema": "int8/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "models": sorted(models, key=lambda found: found["name"]),
        "calibration": len(pictures.calibration),
        "judged_on": len(pictures.labelled),
        "allowed": LOSS,
        "rungs": sorted([*stays["rungs"], *rungs], key=lambda row: row["weights"]),
        "files": sorted([*stays["files"], *files], key=lambda row: row["weights"]),
    }
    results.write(result, out)


if __name__ == "__main__":
    main()
