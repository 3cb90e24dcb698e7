"""What harm does to masks: `python scripts/measure_harm.py small peer:rvm-mobilenetv3 --data DIR`.

Every picture of val is harmed in each way of data/harm.py, the same for all models, and measured against its
own truth; what a model loses is paired, picture by picture. Models that are named replace their rows in the
result; others stay.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fastportrait import results
from fastportrait.contenders import Contender, load_all
from fastportrait.data.harm import NAMES, harmed
from fastportrait.data.shards import data_folder, read, shards
from fastportrait.metrics import difference, interval
from fastportrait.metrics.score import score

SPLIT = "val"
METRICS = ("iou", "boundary_iou")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="as `fastportrait evaluate` takes them")
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--peers-folder", type=Path, help="files of peer:NAME")
    parser.add_argument("--out", type=Path, default=Path("results/harm.json"))
    args = parser.parse_args()

    data = args.data or data_folder()
    tars = {tar.name: results.sha256(tar) for tar in shards(data, SPLIT)}
    contenders = load_all(args.models, 1, args.peers_folder)
    found = [measure(contender, data) for contender in contenders]
    kept = []
    if args.out.is_file():
        old = results.read(args.out)
        if old["shards"] == tars:
            names = {model["name"] for model in found}
            kept = [model for model in old["models"] if model["name"] not in names]
    result = {"schema": "harm/1", "split": SPLIT, "shards": tars, "models": [*kept, *found]}
    results.write(result, args.out)


def measure(contender: Contender, data: Path) -> dict[str, object]:
    """One model's part of the result."""
    name = contender.about["name"]
    plain = scores(contender, data, None)
    rows = []
    for harm in (None, *NAMES):
        now = plain if harm is None else scores(contender, data, harm)
        row: dict[str, object] = {"harm": harm or "none"}
        for metric in METRICS:
            low, high = interval(now[metric], 0)
            row[metric] = estimate(float(np.mean(now[metric])), low, high)
            row[f"{metric}_lost"] = estimate(*difference(plain[metric], now[metric]))
        rows.append(row)
        told = (f"{metric} {100 * float(np.mean(now[metric])):.2f}" for metric in METRICS)
        print(name, harm or "none", *told, flush=True)
    return {
        "name": name,
        "sha256": contender.about["sha256"],
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "runtime": contender.machine["runtime"],
        "pictures": len(plain["iou"]),
        "rows": rows,
    }


def scores(contender: Contender, data: Path, harm: str | None) -> dict[str, list[float]]:
    """Every picture's, by metric."""
    samples = read(data, SPLIT)
    samples = samples if harm is None else harmed(samples, harm)
    found: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for sample in tqdm(samples, desc=f"{contender.about['name']} {harm or 'none'}", leave=False):
        of = score(contender.segment(sample.image), sample.alpha)
        for metric in METRICS:
            found[metric].append(of[metric])
    return found


def estimate(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": round(value, 6), "low": round(low, 6), "high": round(high, 6)}


if __name__ == "__main__":
    main()
