"""One network's weights at other input shapes: `python scripts/measure_shapes.py small --data DIR`.

A camera's frame is wide or tall: at 160 x 256 a network does less work than at 256 x 256, and sees the frame
less squashed. On val, for every shape: all pictures, the wide ones and the tall ones, as `fastportrait cut`
masks them. Networks that are named replace their part of the result; others stay.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fastportrait import Segmenter, results
from fastportrait.contenders import weights_of
from fastportrait.data.shards import data_folder, read, shards
from fastportrait.export import onnx
from fastportrait.metrics.score import score
from fastportrait.nets.card import measure
from fastportrait.nets.weights import load, network_card

SHAPES = ((256, 256), (160, 256), (256, 160), (192, 256), (256, 192), (192, 320), (192, 192))
ASIDE = 1.2
"""A picture is wide or tall where its sides are this far from equal."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="+", metavar="NETWORK", help="of the zoo, or a .safetensors file")
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--out", type=Path, default=Path("results/choices/shapes.json"))
    args = parser.parse_args()

    data = args.data or data_folder()
    found = [measured(name, data) for name in args.networks]
    names = {part["name"] for part in found}
    old = results.read(args.out)["networks"] if args.out.is_file() else []
    kept = [part for part in old if part["name"] not in names]
    results.write({"schema": "shapes/1", "split": "val", "networks": [*kept, *found]}, args.out)


def measured(name: str, data: Path) -> dict[str, object]:
    """One network's part of the result."""
    file = weights_of(name)
    net, about = load(file)
    build = network_card(about.network, about.plan, about.size).build
    rows = []
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shape.onnx"
            onnx.convert(net, shape, {"network": about.network}, "fp32", path, [])
            row = scored(Segmenter(path, threads=1), data)
        rows.append({"shape": f"{shape[0]}x{shape[1]}", "macs": measure(build, shape).macs} | row)
        print(name, rows[-1], flush=True)
    return {
        "name": file.stem,
        "sha256": results.sha256(file),
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "shards": {tar.name: results.sha256(tar) for tar in shards(data, "val")},
        "rows": rows,
    }


def scored(segmenter: Segmenter, data: Path) -> dict[str, dict[str, float] | None]:
    """Means by kind of picture: {"all": {"pictures", "iou", "boundary_iou"}, "wide": ..., "tall": ...}."""
    values: dict[str, list[tuple[float, float]]] = {"all": [], "wide": [], "tall": []}
    for sample in tqdm(read(data, "val"), leave=False):
        of = score(segmenter(sample.image), sample.alpha)
        height, width = sample.image.shape[:2]
        aside = "wide" if width >= ASIDE * height else "tall" if height >= ASIDE * width else None
        for kind in ("all", aside):
            if kind:
                values[kind].append((of["iou"], of["boundary_iou"]))
    return {kind: mean(pairs) if pairs else None for kind, pairs in values.items()}


def mean(pairs: list[tuple[float, float]]) -> dict[str, float]:
    iou, boundary = (round(float(value), 5) for value in np.mean(pairs, axis=0))
    return {"pictures": len(pairs), "iou": iou, "boundary_iou": boundary}


if __name__ == "__main__":
    main()
