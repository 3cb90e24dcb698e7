"""Where the time goes from a 12-megapixel photo to its cut-out, one thread: `python
scripts/measure_photo.py`.

The photo is the demo portrait, enlarged and given a sensor's grain, so that decoding and encoding have real
work.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fastportrait import Segmenter, compose, results
from fastportrait.bench.latency import latency
from fastportrait.media import images
from fastportrait.refine import refine

ROOT = Path(__file__).parents[1]


def large_photo(megapixels: float) -> NDArray[np.uint8]:
    """(H, W, 3): the demo portrait on `megapixels`, in the proportions 4:3 upright."""
    small = images.read(ROOT / "examples" / "astronaut.jpg").frame
    height, width = small.shape[:2]
    portrait = small[:, (width - height * 3 // 4) // 2 :][:, : height * 3 // 4]
    h, w = round((megapixels * 1e6 * 4 / 3) ** 0.5), round((megapixels * 1e6 * 3 / 4) ** 0.5)
    grain = np.random.default_rng(0).normal(0, 3, (h, w, 3)).astype(np.float32)
    large = cv2.resize(portrait, (w, h), interpolation=cv2.INTER_CUBIC)
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "latency" / "photo.json")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    segmenter = Segmenter(args.model, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(images.encode(large_photo(args.megapixels), ".jpg"))
        frame = images.read(path).frame
        mask = segmenter.mask(frame)
        alpha = refine(frame, mask)
        cutout = compose.cutout(frame, alpha)
        white = compose.composite(frame, alpha, (255, 255, 255))
        steps: dict[str, Callable[[], object]] = {
            "decode JPEG": lambda: images.read(path),
            "shrink and run the network": lambda: segmenter.mask(frame),
            "refine the mask": lambda: refine(frame, mask),
            "cut-out: clean the edge's colours": lambda: compose.cutout(frame, alpha),
            "or: compose on a colour": lambda: compose.composite(frame, alpha, (255, 255, 255)),
            "or: blur the background": lambda: compose.composite(frame, alpha, "blur"),
            "encode PNG with alpha": lambda: images.encode(cutout, ".png"),
            "or: encode JPEG": lambda: images.encode(white, ".jpg"),
        }
        measured = latency(steps, args.rounds, warmup=1)
    result = {
        "schema": "steps/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
        "input": f"JPEG, {frame.shape[1]} x {frame.shape[0]}",
        "model": args.model or "small",
        "rounds": args.rounds,
        "steps": [{"name": name, **times} for name, times in measured.items()],
    }
    for name, times in measured.items():
        print(f"{name:<36} {times['cpu_ms']:8.1f} ms")
    results.write(result, args.out)


if __name__ == "__main__":
    main()
