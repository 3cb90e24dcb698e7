"""What a camera frame of 1280 x 720 costs beside the network, by step: `python scripts/measure_frame.py`.

Written to results/latency/frame.json. The frame is drawn, with one figure; how much refining costs depends on
how long the figure's edge is.
"""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2

from fastportrait import Segmenter, results, transform
from fastportrait.bench.frame import camera_frame
from fastportrait.bench.latency import latency
from fastportrait.segmenter import PRESENT

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "latency" / "frame.json")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    segmenter, frame = Segmenter(args.model, threads=1), camera_frame()
    engine = segmenter.engine
    image, where = transform.to_network(frame, engine.size)
    mask = transform.from_network(engine(image), where)
    if segmenter.presence(mask) < PRESENT:
        raise SystemExit(f"{args.model}: does not see the figure, so that nothing would be refined")
    steps: dict[str, Callable[[], object]] = {
        "network": lambda: engine(image),
        "frame to network": lambda: transform.to_network(frame, engine.size),
        "mask to the frame's size": lambda: transform.resize(mask, frame.shape[:2]),
        "is somebody there": lambda: segmenter.presence(mask),
        "mask to the frame's size, along its edges": lambda: segmenter.alpha(frame, mask),
        "all": lambda: segmenter(frame),
    }
    measured = latency(steps, args.rounds, warmup=5)
    result = {
        "schema": "steps/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
        "input": f"frame, {frame.shape[1]} x {frame.shape[0]}",
        "model": args.model or "small",
        "rounds": args.rounds,
        "steps": [{"name": name, **times} for name, times in measured.items()],
    }
    for name, times in measured.items():
        print(f"{name:<42} {times['cpu_ms']:8.2f} ms")
    results.write(result, args.out)


if __name__ == "__main__":
    main()
