"""What refining a mask to the photo's edges gains, and what cleaning the edge's colours gains, for its time.

    python -m fastportrait.bench.edges DATA --model small                 # or a file
    python -m fastportrait.bench.edges DATA --peer mediapipe-selfie
    python -m fastportrait.bench.edges --table                            # writes docs/edges.md's tables

Every picture is done by every method in turn, in an order drawn anew, on one thread, in CPU time.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import results
from ..compose import foreground
from ..data.shards import read, shards
from ..metrics import interval
from ..metrics.edges import grad_p3m
from ..metrics.masks import as_alpha, boundary_iou, mad
from ..refine import refine
from . import edge_candidates as tried
from .composites import Composite, composites

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]
Network = Callable[[Frame], Plane]

MASKS: dict[str, Callable[[Frame, Plane], Plane]] = {
    "bilinear": tried.bilinear,
    "bicubic": tried.bicubic,
    "bilinear, contrast 1.6": tried.contrast,
    "guided, grey": tried.guided_grey,
    "guided, colour": tried.guided_colour,
    "fast guided, colour": tried.fast_guided,
    "refine": refine,
}
COLOURS: dict[str, Callable[[Frame, Plane], Frame]] = {
    "none": lambda image, alpha: image,
    "blur fusion, 90 and 6": tried.blur_fusion,
    "multi-level": tried.multi_level,  # where pymatting is installed
    "foreground": foreground,
}
MEANINGS = {
    "boundary_iou": "boundary IoU: bands of max(1, round(0.02 diagonal)) erosions by a 3 x 3 square inside "
    "the masks alpha > 0.5, the picture's border counted as background; mean over pictures",
    "mad": "mean absolute difference of the alphas over the whole picture; mean over pictures",
    "band_mad": "the same over pixels within 1 % of the diagonal of a pixel of partial true alpha",
    "grad": "grad_p3m: plain derivatives of a Gaussian of sigma 1.4, no stretching, sum / 10",
    "exact": "mean absolute difference, in 0..255, between composites with the estimated and the true "
    "foreground colours, over another scene, black, white and green, where alpha is partial; both with the "
    "exact alpha",
    "refined": "the same, the estimate composited with the refined alpha of the network",
    "cpu_ms": "milliseconds of CPU time a picture, one thread",
}
LARGE = (2, 6, 12)
PLAIN = ((0, 0, 0), (255, 255, 255), (0, 177, 64))


def measure_masks(
    pictures: Iterable[tuple[str, str, Frame, Plane]], network: Network
) -> list[dict[str, Any]]:
    """A row for each (key, group, image, alpha): {"key", "group", "METHOD.METRIC": number}."""
    order = random.Random(0)
    rows = []
    for key, group, image, truth in pictures:
        coarse, row = network(image), dict[str, Any](key=key, group=group)
        reach = 2 * max(1, round(0.01 * float(np.hypot(*truth.shape)))) + 1
        partial = ((truth > 0.02) & (truth < 0.98)).astype(np.uint8)
        band = cv2.dilate(partial, np.ones((reach, reach), np.uint8)) > 0
        for name in order.sample(list(MASKS), len(MASKS)):
            alpha, spent = _timed(MASKS[name], image, coarse)
            row |= {
                f"{name}.boundary_iou": boundary_iou(alpha > 0.5, truth > 0.5),
                f"{name}.mad": mad(alpha, truth),
                f"{name}.band_mad": float(np.abs(alpha - truth)[band].mean()) if band.any() else 0.0,
                f"{name}.grad": grad_p3m(alpha, truth),
                f"{name}.cpu_ms": spent,
            }
        rows.append(row)
    return rows


def measure_colours(pictures: Iterable[Composite], network: Network) -> list[dict[str, Any]]:
    """A row for each composite, as above, for the methods that estimate the foreground's colours."""
    order = random.Random(0)
    rows = []
    for picture in pictures:
        image, truth = picture.image, picture.alpha
        refined, row = refine(image, network(image)), dict[str, Any](key=picture.key, group=_size(image))
        names = [name for name in COLOURS if name != "multi-level" or find_spec("pymatting")]
        for name in order.sample(names, len(names)):
            front, spent = _timed(COLOURS[name], image, truth)
            row[f"{name}.exact"] = _recomposed(front, truth, picture)
            row[f"{name}.refined"] = _recomposed(COLOURS[name](image, refined), refined, picture)
            row[f"{name}.cpu_ms"] = spent
        rows.append(row)
    return rows


def _recomposed(front: Frame, alpha: Plane, picture: Composite) -> float:
    truth = picture.alpha
    edge = ((truth > 0.01) & (truth < 0.99)) | ((alpha > 0.01) & (alpha < 0.99))
    share, right = alpha[edge][:, None], truth[edge][:, None]
    difference = np.asarray(share * front[edge] - right * picture.front[edge], np.float32)
    gap = right - share  # how much of a background comes through that should not, or too little
    scene = picture.other[edge].astype(np.float32)
    backs = [scene, *(np.array(colour, np.float32)[None] for colour in PLAIN)]
    return float(np.mean([np.abs(difference + np.multiply(gap, back)).mean() for back in backs]))


def _timed(method: Callable[[Frame, Plane], Any], image: Frame, mask: Plane) -> tuple[Any, float]:
    start = time.process_time()
    done = method(image, mask)
    return done, 1e3 * (time.process_time() - start)


def _size(image: Frame) -> str:
    return f"{image.shape[0] * image.shape[1] / 1e6:.0f} megapixels"


def _result(
    rows: list[dict[str, Any]], model: dict[str, str], split: str, files: list[Path], protocol: str
) -> results.Result:
    """A file of the schema accuracy/1, whose scores are METHOD.METRIC."""
    names = [name for name in sorted(rows[0]) if name not in ("key", "group")]
    rows = [{key: round(x, 6) if isinstance(x, float) else x for key, x in row.items()} for row in rows]

    def mean(part: list[dict[str, Any]], name: str) -> float:
        return float(np.mean([row[name] for row in part]))

    groups = []
    for group in sorted({row["group"] for row in rows}):
        part = [row for row in rows if row["group"] == group]
        means = {name: round(mean(part, name), 6) for name in names}
        groups.append({"name": group, "pictures": len(part), **means})
    scores = {}
    for name in names:
        low, high = interval([row[name] for row in rows])
        scores[name] = {"value": round(mean(rows, name), 6), "low": round(low, 6), "high": round(high, 6)}
    return {
        "schema": "accuracy/1",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": results.commit(),
        "model": model,
        "data": {
            "split": split,
            "pictures": len(rows),
            "whole": True,
            "shards": {file.name: results.sha256(file) for file in files},
        },
        "machine": {
            "device": "cpu",
            "cpu": results.cpu_name(),
            "threads": 1,
            "runtime": f"OpenCV {cv2.__version__}, NumPy {np.__version__}",
        },
        "protocol": protocol,
        "metrics": {name: MEANINGS[name.rpartition(".")[2]] for name in names},
        "scores": scores,
        "groups": {"group": groups},
        "pictures": [{key: x for key, x in row.items() if key != "group"} for row in rows],
    }


def table(folder: Path) -> str:
    """Every result in `folder` as tables: a row a method, the plainest first."""
    text = ""
    for path in sorted(folder.glob("*.json")):
        result = results.read(path)
        metrics = [m for m in MEANINGS if any(name.endswith("." + m) for name in result["scores"])]
        known = {name.rpartition(".")[0] for name in result["scores"]}
        methods = [name for name in (*MASKS, *COLOURS) if name in known]
        data = result["data"]
        sets = [(f"{data['pictures']} pictures", {name: s["value"] for name, s in result["scores"].items()})]
        if len(result["groups"]["group"]) > 1:
            sets += [(f"{g['name']}, {g['pictures']} pictures", g) for g in result["groups"]["group"]]
        for heading, score in sets:
            text += f"\n**{result['model']['name']} on {data['split']}**, {heading}\n\n"
            text += "| method | " + " | ".join(HEADS[m] for m in metrics) + " |\n"
            text += "| - |" + " -: |" * len(metrics) + "\n"
            for method in methods:
                cells = [f"{score[f'{method}.{m}'] * SCALE.get(m, 1):.2f}" for m in metrics]
                text += f"| {method} | " + " | ".join(cells) + " |\n"
    return text


HEADS = {
    "boundary_iou": "boundary IoU %",
    "mad": "MAD x1000",
    "band_mad": "MAD x1000 at the edge",
    "grad": "Grad (P3M)",
    "exact": "error, exact alpha",
    "refined": "error, refined alpha",
    "cpu_ms": "CPU ms",
}
SCALE = {"boundary_iou": 100, "mad": 1000, "band_mad": 1000}


def _network(given: argparse.Namespace) -> tuple[Network, dict[str, str]]:
    if given.peer:
        from .. import peers

        system, path = peers.find(given.peer, peers.folder(given.peers_folder))
        model = {"name": given.peer, "file": path.name, "sha256": results.sha256(path)}
        return system.build(path, 1).mask, model | {"network": system.network, "input": system.input}
    from .. import weights
    from ..segmenter import Segmenter

    file = weights.find(given.model)
    segmenter = Segmenter(file, threads=1)
    size = "x".join(str(n) for n in segmenter.engine.size)
    model = {"name": Path(given.model).stem, "file": file.name, "sha256": results.sha256(file)}
    return segmenter.mask, model | {"network": "of this project", "input": size}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?", help="folder of shards")
    parser.add_argument("--model", default="small", help="a shipped name or a file")
    parser.add_argument("--peer", help="another system in its place")
    parser.add_argument("--peers-folder", type=Path, help="its file's; default: FASTPORTRAIT_PEERS")
    parser.add_argument("--each", type=int, default=6, help="composites of each size")
    parser.add_argument("--only", choices=["matte", "large", "colours"], action="append")
    parser.add_argument("--out", type=Path, default=Path("results/edges"))
    parser.add_argument("--table", action="store_true", help="write docs/edges.md's tables and stop")
    given = parser.parse_args()
    if given.table:
        document = Path("docs/edges.md")
        head, _, rest = document.read_text(encoding="utf-8").partition("<!-- edges -->\n")
        _, end, tail = rest.partition("<!-- /edges -->")
        document.write_text(f"{head}<!-- edges -->\n{table(given.out)}\n{end}{tail}", encoding="utf-8")
        return
    if given.data is None:
        parser.error("DATA: which folder of shards?")
    cv2.setNumThreads(1)
    network, model = _network(given)
    only = given.only or ["matte", "large", "colours"]
    people, scenes = shards(given.data, "train"), shards(given.data, "background")
    made = f"{given.each} composites of {', '.join(map(str, LARGE))} megapixels each: bench/composites.py"
    if "matte" in only:
        mattes = (
            (s.key, str(s.meta["source"]), s.image, as_alpha(s.alpha))
            for s in read(given.data, "matte")
            if s.alpha is not None
        )
        rows = measure_masks(mattes, network)
        found = _result(
            rows, model, "matte", shards(given.data, "matte"), "mask at the network's size, refined"
        )
        results.write(found, given.out / f"{model['name']}-matte.json")
    if "large" in only:
        large = ((p.key, _size(p.image), p.image, p.alpha) for p in composites(given.data, LARGE, given.each))
        found = _result(measure_masks(large, network), model, "large", people + scenes, made)
        results.write(found, given.out / f"{model['name']}-large.json")
    if "colours" in only:
        rows = measure_colours(composites(given.data, LARGE[:2], given.each), network)
        found = _result(rows, model, "colours", people + scenes, made)
        results.write(found, given.out / f"{model['name']}-colours.json")


if __name__ == "__main__":
    main()
