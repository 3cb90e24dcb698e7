"""Can every network of the zoo learn eight made portraits by heart? `scripts/measure_overfit.py [NAME...]`

Writes results/overfit.json after each network, so that a stopped run goes on with those that are missing.
"""

import argparse
from datetime import date
from pathlib import Path

import torch
from tqdm import tqdm

from fastportrait import results
from fastportrait.bench.overfit import overfit
from fastportrait.nets import ZOO

OUT = Path(__file__).parents[1] / "results" / "overfit.json"
ENOUGH = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="networks to measure anew; default: those without a row")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    unknown = set(args.names) - ZOO.keys()
    if unknown:
        parser.error(f"the zoo has no {', '.join(sorted(unknown))}")

    rows = {row["name"]: row for row in results.read(args.out)["rows"]} if args.out.exists() else {}
    for name in tqdm(args.names or [name for name in ZOO if name not in rows]):
        learnt = overfit(ZOO[name], ENOUGH)
        rows[name] = {
            "name": name,
            "date": date.today().isoformat(),
            "commit": results.commit(),
            "side": learnt.side,
            "iou": round(learnt.iou, 5),
            "steps": learnt.steps,
            "seconds": round(learnt.seconds, 1),
        }
        result = {
            "schema": "overfit/1",
            "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": torch.get_num_threads()},
            "portraits": 8,
            "enough": ENOUGH,
            "rows": [rows[card] for card in ZOO if card in rows],
        }
        results.write(result, args.out)
        tqdm.write(f"{name:<28} IoU {learnt.iou:.3f} after {learnt.steps} steps, {learnt.seconds:.0f} s")


if __name__ == "__main__":
    main()
