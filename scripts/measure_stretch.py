"""How to fit a photo into the network's square: `python scripts/measure_stretch.py --data DIR`.

On val, for every limit on the change of proportions from 1 (letterbox) to none (squash): person IoU and
boundary IoU of all pictures, and of the third whose proportions are farthest from the network's.
"""

import argparse
from datetime import date
from math import inf, log
from pathlib import Path

import numpy as np

from fastportrait import Segmenter, results, transform
from fastportrait.data.shards import Sample, data_folder, read
from fastportrait.metrics.score import score
from fastportrait.refine import refine
from fastportrait.weights import find

STRETCHES = (1.0, 1.2, 1.4, 1.7, inf)


def scores(segmenter: Segmenter, sample: Sample, stretch: float) -> tuple[float, float]:
    image, where = transform.to_network(sample.image, segmenter.engine.size, stretch)
    mask = transform.from_network(segmenter.engine(image), where)
    assert sample.alpha is not None
    found = score(refine(sample.image, mask), sample.alpha)
    return found["iou"], found["boundary_iou"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--model", default="small")
    parser.add_argument("--out", type=Path, default=Path("results/choices/stretch.json"))
    args = parser.parse_args()

    samples = list(read(args.data or data_folder(), "val"))
    segmenter = Segmenter(args.model, threads=1)
    height, width = segmenter.engine.size
    apart = np.array([abs(log(s.image.shape[0] / s.image.shape[1] * width / height)) for s in samples])
    odd = apart >= np.quantile(apart, 2 / 3)
    rows = []
    for stretch in STRETCHES:
        found = np.array([scores(segmenter, s, stretch) for s in samples])
        rows.append(
            {
                "stretch": "squash" if stretch == inf else f"{stretch:g}",
                "iou": round(float(found[:, 0].mean()), 5),
                "boundary_iou": round(float(found[:, 1].mean()), 5),
                "odd_iou": round(float(found[odd, 0].mean()), 5),
                "odd_boundary_iou": round(float(found[odd, 1].mean()), 5),
            }
        )
        print(rows[-1])
    result = {
        "schema": "stretch/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "model": args.model,
        "sha256": results.sha256(find(args.model)),
        "split": "val",
        "pictures": len(samples),
        "rows": rows,
    }
    results.write(result, args.out)


if __name__ == "__main__":
    main()
