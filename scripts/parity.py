"""Does every network give its masks in a runtime? `python scripts/parity.py --to onnx [--only NAME,...]`

Exports each portrait build of the zoo through the gate, with its trained weights where this checkout has
them, else with weights by a formula (`fastportrait.export.filled`) at the least size it trains at, and writes
results/parity/RUNTIME.json after each. A stopped run goes on with the cells that are missing, fail, or were
made by other versions. The cells run in a process beside this one, which a runtime may end without ending the
run.
"""

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

from tqdm import tqdm

from fastportrait import results

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "onnx": ("onnx", "onnxscript", "onnxslim", "onnxruntime"),
    "litert": ("litert-torch", "ai-edge-litert", "ai-edge-quantizer"),
    "executorch": ("executorch", "torchao"),
    "coreml": ("coremltools",),
    "ncnn": ("pnnx", "ncnn"),
}
COUNT = 4


def versions(runtime: str) -> dict[str, str]:
    found = {}
    for package in ("torch", *PACKAGES[runtime]):
        try:
            found[package] = version(package).partition("+")[0]
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def cell(runtime: str, name: str, precision: str, data: str | None) -> dict[str, Any]:
    """One network through converter and gate, in the process of a pool."""
    import torch

    from fastportrait.contenders import weights_of
    from fastportrait.export import card_of, digest, write
    from fastportrait.export.filled import filled
    from fastportrait.export.gate import NotTheNetwork
    from fastportrait.export.pictures import gather
    from fastportrait.nets import ZOO
    from fastportrait.nets.weights import load

    torch.set_num_threads(1)
    try:
        weights: Path | None = weights_of(name)
    except ValueError:
        weights = None
    if weights:
        net, about = load(weights)
        size, card = about.size, card_of(about, weights, about.size, precision)
    else:
        net, size = filled(ZOO[name]), ZOO[name].smallest
        card = {"network": name, "size": list(size), "precision": precision, "weights": "by a formula"}
    pictures = gather(size, Path(data) if data else None, count=COUNT, quantise=precision == "int8")
    row: dict[str, Any] = {
        "network": name,
        "precision": precision,
        "trained": weights is not None,
        "size": f"{size[0]}x{size[1]}",
        "pictures": pictures.source,
        "weights": _weights_digest(net),
        "result": "fail",
        "message": "",
        "layer": "",
        "file": "",
        "bytes": 0,
        "measured": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = write(
                net, size, card, name, Path(folder), to=runtime, precision=precision, pictures=pictures
            )
        except NotTheNetwork as error:
            return row | {"message": str(error), "layer": error.place, "measured": _numbers(error.parity)}
        except Exception as error:
            return row | {"message": " ".join(str(error).split())[:600] or type(error).__name__}
        sha256, count = digest(made.path)
        return row | {"result": "pass", "file": sha256, "bytes": count, "measured": _numbers(made.parity)}


def _weights_digest(net: Any) -> str:
    """SHA-256 over names and values, in their order."""
    import hashlib

    total = hashlib.sha256()
    for name, value in net.state_dict().items():
        total.update(name.encode())
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


def _numbers(parity: Any) -> dict[str, float]:
    found = {
        name: getattr(parity, name) for name in ("max_alpha", "mean_alpha", "iou", "boundary_iou", "shift")
    }
    found |= {f"own_{name}": value for name, value in parity.own.items()}
    found |= {f"lost_{name}": value for name, value in parity.loss.items()}
    return {name: float(f"{value:.4g}") if abs(value) < 1e9 else 1e9 for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", required=True, help=f"one or more of {', '.join(PACKAGES)}, commas between")
    parser.add_argument("--precision", default="fp32", help="one or more of fp32, fp16, int8")
    parser.add_argument("--only", help="networks, commas between: these anew; default: those without a cell")
    parser.add_argument(
        "--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]; without: drawn figures"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "parity")
    args = parser.parse_args()
    from fastportrait.nets import ZOO

    wanted = args.only.split(",") if args.only else list(ZOO)
    if set(wanted) - ZOO.keys():
        parser.error(f"the zoo has no {', '.join(sorted(set(wanted) - ZOO.keys()))}")
    given = args.data or os.environ.get("FASTPORTRAIT_DATA")
    data = str(given) if given else None
    for runtime in args.to.split(","):
        if runtime not in PACKAGES:
            parser.error(f"no runtime {runtime!r}; there are {', '.join(PACKAGES)}")
        _run(runtime, args.precision.split(","), wanted, bool(args.only), data, args.out / f"{runtime}.json")


def _run(
    runtime: str, precisions: list[str], wanted: list[str], anew: bool, data: str | None, out: Path
) -> None:
    now = versions(runtime)
    rows = (
        {(row["network"], row["precision"]): row for row in results.read(out)["rows"]} if out.exists() else {}
    )
    tasks = [
        (name, precision)
        for precision in precisions
        for name in wanted
        if anew or not _stands(rows.get((name, precision)), now)
    ]
    pool = None
    for name, precision in tqdm(tasks, desc=runtime):
        pool = pool or ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        start = perf_counter()
        try:
            row = pool.submit(cell, runtime, name, precision, data).result()
        except BrokenProcessPool:
            pool = None
            row = {"network": name, "precision": precision, "trained": False, "size": "", "pictures": ""}
            row |= {"weights": "", "result": "fail", "layer": "", "file": "", "bytes": 0, "measured": {}}
            row["message"] = "the converter or the runtime ended its process"
        row |= {"date": date.today().isoformat(), "commit": results.commit(), "versions": now}
        row["seconds"] = round(perf_counter() - start, 1)
        rows[name, precision] = row
        _write(runtime, rows, out)
        tqdm.write(f"{runtime} {precision} {name:<28} {row['result']} {row['message']}")
    if pool:
        pool.shutdown()


def _stands(row: dict[str, Any] | None, now: dict[str, str]) -> bool:
    return row is not None and row["versions"] == now and row["result"] == "pass"


def _write(runtime: str, rows: dict[tuple[str, str], dict[str, Any]], out: Path) -> None:
    from fastportrait.export import target
    from fastportrait.export.gate import SHIFT, TOLERANCE
    from fastportrait.nets import ZOO

    result = {
        "schema": "parity/1",
        "runtime": runtime,
        "checked_by": getattr(target(runtime), "CHECKED", "run in its own runtime, on the CPU"),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
        "tolerances": {
            precision: {"max_alpha": limit.max_alpha, "iou": limit.iou, "shift": SHIFT}
            for precision, limit in TOLERANCE.items()
        },
        "rows": [rows[key] for key in sorted(rows, key=lambda key: (key[1], list(ZOO).index(key[0])))],
    }
    results.write(result, out)


if __name__ == "__main__":
    main()
