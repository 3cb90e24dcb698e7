"""From which presence on somebody is there: `python scripts/measure_presence.py --data DIR`.

For a range of thresholds: the share of val's people that would be called nobody, and of people-free pictures
that would be called somebody. The choice is made on `background`, scenes of the training split; `empty`,
never trained on, reports.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np

from fastportrait import Segmenter, results
from fastportrait.data.shards import data_folder, read
from fastportrait.segmenter import PRESENT, SHARE
from fastportrait.weights import find

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--model", default="small")
    parser.add_argument("--out", type=Path, default=Path("results/choices/presence.json"))
    args = parser.parse_args()

    segmenter = Segmenter(args.model, threads=1)
    found = {}
    for split in ("val", "background", "empty"):
        samples = read(args.data or data_folder(), split)
        found[split] = np.array([segmenter.presence(segmenter.mask(s.image)) for s in samples])
    rows = [
        {
            "threshold": threshold,
            "val_missed": round(float((found["val"] < threshold).mean()), 5),
            "background_false": round(float((found["background"] >= threshold).mean()), 5),
            "empty_false": round(float((found["empty"] >= threshold).mean()), 5),
        }
        for threshold in THRESHOLDS
    ]
    for row in rows:
        print(row)
    result = {
        "schema": "presence/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "model": args.model,
        "sha256": results.sha256(find(args.model)),
        "share": SHARE,
        "chosen": PRESENT,
        "pictures": {split: len(values) for split, values in found.items()},
        "rows": rows,
    }
    results.write(result, args.out)


if __name__ == "__main__":
    main()
