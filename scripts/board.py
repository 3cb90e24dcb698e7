"""Takes the board's runs into the repository: `python scripts/board.py runs/leaderboard --log docs/log.md`.

For every network that is trained there (RUNS/NAME/NAME.safetensors beside its .json): the weights in half
precision in weights/ where they are small, the record in results/training/, its scores on val and test in
results/accuracy/board/. What has been measured of the same weights is not measured again. At the end the zoo
file, the tables and the plots are made anew. Each look at test is printed as a line for docs/log.md, or, with
--log, put there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from fastportrait import results
from fastportrait.cli.evaluate import measure, shards_of
from fastportrait.contenders import load as load_contender
from fastportrait.data.shards import data_folder
from fastportrait.evaluate import log, log_line
from fastportrait.nets.weights import load, save
from fastportrait.recipe import Recipe
from fastportrait.report.board import RECIPE, RECORDS, SCORES, label

ROOT = Path(__file__).parents[1]
WEIGHTS = Path("weights")
SPLITS = ("val", "test")
LARGEST, ALTOGETHER = 2_000_000, 16_000_000
"""Bytes: of one file of weights that is kept in the repository, and of all."""


def kept(weights: Path, name: str, root: Path) -> Path:
    """`weights` in half precision in the repository, or themselves where that would be too large.

    Only the recipe's own seed is kept. What is there already is replaced, so that it stays what the last run
    gave.
    """
    target = root / WEIGHTS / f"{name}.safetensors"
    net, about = load(weights)
    if name != about.network:
        return weights
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        half = Path(folder) / target.name
        save(net, about, half, half=True)
        others = sum(f.stat().st_size for f in target.parent.glob("*.safetensors") if f != target)
        if half.stat().st_size > LARGEST or others + half.stat().st_size > ALTOGETHER:
            return weights
        os.replace(half, target)
    return target


def scored(weights: Path, name: str, split: str, data: Path, root: Path) -> results.Result | None:
    """The new result of `weights` on `split`, written; None where it was there already."""
    path = root / SCORES / f"{name}-{split}.json"
    if path.exists() and results.read(path)["model"]["sha256"] == results.sha256(weights):
        return None
    contender = load_contender(str(weights), threads=1)
    result: dict[str, Any] = measure(contender, shards_of(data, split), split, None, None, None)
    result["model"]["name"] = name
    results.write(result, path)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs; one a seed")
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--log", type=Path, help="document that takes the looks at test")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout to write into")
    parser.add_argument("--no-documents", action="store_true", help="leave zoo file, tables and plots")
    args = parser.parse_args()
    names = [recipe.network for recipe in Recipe.read_board(ROOT / RECIPE)]
    found = [
        runs / name / f"{name}.safetensors"
        for runs in args.runs
        for name in names
        if (runs / name / f"{name}.json").is_file()
    ]
    if not found:
        print(f"{', '.join(map(str, args.runs))}: no trained network of the board there", file=sys.stderr)
        return 1
    for weights in found:
        record = results.read(weights.with_suffix(".json"))
        name = label(record["network"], record["seed"])
        results.write(record, args.root / RECORDS / f"{name}.json")
        file = kept(weights, name, args.root)
        for split in SPLITS:
            result = scored(file, name, split, args.data or data_folder(), args.root)
            if result is None:
                continue
            line = log_line(result)
            print(line, flush=True)
            if split == "test" and args.log:
                log(line, args.log)
    if args.no_documents:
        return 0
    return max(
        subprocess.run([sys.executable, ROOT / "scripts" / script]).returncode
        for script in ("zoo.py", "plots.py", "tables.py")
    )


if __name__ == "__main__":
    sys.exit(main())
