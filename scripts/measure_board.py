"""What the board's networks cost: `python scripts/measure_board.py [--peers DIR]`.

Each is exported with fresh weights (time and size do not ask what it has learnt) at the board's size, and all
are run in one process by ONNX Runtime on one thread, interleaved, other systems among them in their own
runtimes. Writes results/latency/board.json.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from click import ClickException

from fastportrait import results
from fastportrait.bench.latency import Run, latency
from fastportrait.cli import main as cli
from fastportrait.nets import ZOO
from fastportrait.nets.card import measure
from fastportrait.nets.network import Network
from fastportrait.nets.weights import About, save
from fastportrait.recipe import Recipe
from fastportrait.report.board import COSTS, RECIPE
from fastportrait.segmenter import Segmenter

ROOT = Path(__file__).parents[1]
SEEDS = 4
PEERS = ("mediapipe-selfie", "pphumanseg-v1-lite", "rvm-mobilenetv3")


def exported(name: str, size: tuple[int, int], folder: Path) -> Path:
    """The ONNX file of a network that has learnt nothing; raises `ClickException` where it would not give
    PyTorch's masks."""
    folder = folder / name  # an export folder describes one model
    folder.mkdir()
    weights = folder / f"{name}.safetensors"
    for seed in range(SEEDS):
        save(settled(name, seed), About(name, size), weights)
        try:
            cli(["export", str(weights), "--to", "onnx", "--out", str(folder)], standalone_mode=False)
            break
        except ClickException:  # fresh weights may see a person nowhere but for rounding
            if seed == SEEDS - 1:
                raise
    weights.unlink()
    return folder / f"{name}.onnx"


def settled(name: str, seed: int) -> Network:
    """Fresh weights whose norms have seen pictures, so that what comes out differs from place to place."""
    torch.manual_seed(seed)
    net = ZOO[name].build().train()
    with torch.no_grad():
        for _ in range(2):
            net(torch.rand(2, 3, *ZOO[name].smallest))
    return net.eval()


def peer(name: str, peers: Path) -> tuple[Run, dict[str, Any]]:
    from fastportrait.contenders import load

    contender = load(f"peer:{name}", 1, peers)
    network: Any = contender.segment
    prepared = network.prepare(np.full((512, 512, 3), 127, np.uint8))
    about = {key: contender.about[key] for key in ("name", "file", "sha256", "input")}
    return lambda: network.network(prepared), about | {"runtime": contender.machine["runtime"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--peers", type=Path, help="weights of other systems")
    args = parser.parse_args()
    recipes = Recipe.read_board(ROOT / RECIPE)
    size = recipes[0].score_size
    runs: dict[str, Run] = {}
    rows: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for recipe in recipes:
            name, card = recipe.network, ZOO[recipe.network]
            engine = Segmenter(exported(name, size, Path(folder)), threads=1).engine
            image = np.random.default_rng(0).random((1, 3, *size), np.float32)
            runs[name] = lambda engine=engine, image=image: engine(image)  # type: ignore[misc]
            cost = measure(card.phone or card.build, size)
            rows.append({"name": name, "params": cost.params, "macs": cost.macs, "runtime": engine.name})
        for name in PEERS if args.peers else ():
            runs[f"peer:{name}"], about = peer(name, args.peers)
            others.append(about)
        taken = latency(runs, args.rounds, warmup=3)
    results.write(
        {
            "schema": "board/1",
            "date": date.today().isoformat(),
            "commit": results.commit(),
            "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
            "protocol": "the network alone, input ready in memory; interleaved rounds in a random order; "
            "median CPU time of the process",
            "rounds": args.rounds,
            "input": f"{size[0]}x{size[1]}",
            "networks": [row | taken[row["name"]] for row in rows],
            "peers": [row | taken[f"peer:{row['name']}"] for row in others],
        },
        ROOT / COSTS,
    )
    for name, row in sorted(taken.items(), key=lambda item: item[1]["cpu_ms"]):
        print(f"{name:<28} {row['cpu_ms']:8.2f} ms")


if __name__ == "__main__":
    main()
