"""How steady masks are: `python scripts/measure_steady.py PART --data DIR`; PART is one of

choice    every filter and its numbers on made sequences of training people with alpha
matte     raw, the filters, other systems, on made sequences of the split matte  (needs --peers)
clips     the same on real clips without truth, DIR/video/*.mp4                  (needs --peers)
cuts      how far apart frames across a cut are, and frames that follow each other
edges     how finely edges are drawn: for a photo, for video, not at all
idle      what resting saves and costs, on sequences with pauses and on the clips

Each writes results/steady/PART.json.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np

from fastportrait import Segmenter, results
from fastportrait.bench import sequences as made
from fastportrait.bench import steady as bench
from fastportrait.contenders import load
from fastportrait.data.shards import Sample, data_folder, decode, read_parts, shards
from fastportrait.glance import CUT, glance, novelty
from fastportrait.metrics.score import score
from fastportrait.refine import CELLS, halved, refine, refine_frame
from fastportrait.steady import Exponential, Flow, OneEuro, Raw, Still
from fastportrait.transform import resize, to_network
from fastportrait.weights import find

MOTIONS = {"sway": made.SWAY, "fast": made.FAST}
SOURCES = ("nba_rgba", "sports_headshots")
FRAMES = 16


class Rvm:
    """RobustVideoMatting's published network with its memory, as its authors run it."""

    def __init__(self, file: Path, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self.session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def stream(self) -> Callable[[Any], Any]:
        memory = {f"r{i}i": np.zeros((1, 1, 1, 1), np.float32) for i in range(1, 5)}

        def step(frame: Any) -> Any:
            ratio = np.float32([min(1.0, 512 / max(frame.shape[:2]))])
            image = np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) / 255
            _, alpha, *rest = self.session.run(None, {"src": image, "downsample_ratio": ratio, **memory})
            memory.update(zip(memory, rest, strict=True))
            return alpha[0, 0]

        return step


@cache
def people(folder: Path, split: str, count: int) -> list[Sample]:
    """`count` people spread over those of `split` with alpha from `SOURCES`; only these are decoded."""
    found = []
    for shard in shards(folder, split):
        for key, parts in read_parts(shard):
            if json.loads(parts["json"])["source"] in SOURCES:
                found.append((shard, key, parts))
    found.sort(key=lambda row: row[1])
    return [decode(*row) for row in found[:: max(1, len(found) // count)][:count]]


@cache
def scenes_of(folder: Path, first: int, count: int) -> list[np.ndarray]:
    parts = islice(read_parts(shards(folder, "background")[0]), first, first + count)
    return [decode(folder, key, files).image for key, files in parts]


def played(folder: Path, split: str, count: int, motion: made.Motion, frames: int) -> Iterator[made.Sequence]:
    scenes = scenes_of(folder, 300, count)
    for index, (sample, scene) in enumerate(zip(people(folder, split, count), scenes, strict=True)):
        yield made.sequence(sample, scene, frames, np.random.default_rng([7, index]), motion)


def choice(folder: Path, segmenter: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    rows = []
    for motion in MOTIONS:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in bench.FILTERS}
        for one in played(folder, "train", args.count, MOTIONS[motion], FRAMES):
            if args.video:
                alphas = bench.ran(lambda: remembering(args.video), one.frames)
                found.setdefault(args.video.stem, []).append(bench.scores(alphas, one) | {"cpu_ms": 0.0})
            given = bench.masks(segmenter, one.frames)
            for name, build in bench.FILTERS.items():
                alphas, ms = bench.filtered(build(), given, one.alphas.shape[1:])
                found[name].append(bench.scores(alphas, one) | {"cpu_ms": ms})
        rows += [{"name": name, "motion": motion} | bench.means(row) for name, row in found.items()]
    return {"schema": "steady/1", "split": "train", "people": args.count, "frames": FRAMES, "rows": rows}


def remembering(file: Path) -> Callable[[Any], Any]:
    """A network's masks with its memory, enlarged as a filter's are: no edges are drawn."""
    stream = opened(file).stream()
    return lambda frame: resize(stream.mask(frame), frame.shape[:2])


@cache
def opened(file: Path) -> Segmenter:
    return Segmenter(file, threads=1)


def shown(segmenter: Segmenter, frames: Any, args: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Each system's name and its alphas (T, H, W) of one sequence; `small`'s masks are made once for all."""
    given, size = bench.masks(segmenter, frames), frames[0].shape[:2]
    filters: dict[str, Callable[[], Any]] = {
        "small, raw": Raw,
        "small, exponential": lambda: Exponential(0.6),
        "small, one euro": OneEuro,
        "small, where still": lambda: Still(0.8, 10.0),
        "small, flow": Flow,
    }
    for name, build in filters.items():
        yield name, bench.filtered(build(), given, size)[0]
    pairs = zip(frames, given, strict=True)
    drawn = [refine_frame(frame, halved(frame), mask) for frame, (mask, _) in pairs]
    yield "small, raw, with edges", np.stack(drawn)
    yield "small, stream", bench.ran(lambda: segmenter.stream(), frames)
    if args.video:
        yield f"{args.video.stem}, with its memory", bench.ran(lambda: remembering(args.video), frames)
        yield f"{args.video.stem}, stream", bench.ran(lambda: opened(args.video).stream(), frames)
    peer = load("peer:mediapipe-selfie", 1, args.peers).segment
    yield "MediaPipe selfie, raw", bench.ran(lambda: peer, frames)
    yield "RVM, with its memory", bench.ran(Rvm(args.peers / "rvm_mobilenetv3.onnx", 1).stream, frames)


def matte(folder: Path, segmenter: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    rows = []
    for motion in args.motions:
        found: dict[str, list[dict[str, float]]] = {}
        for one in played(folder, "matte", args.count, MOTIONS[motion], FRAMES):
            for name, alphas in shown(segmenter, one.frames, args):
                found.setdefault(name, []).append(bench.scores(alphas, one))
        rows += [{"name": name, "motion": motion} | bench.means(row) for name, row in found.items()]
    return {"schema": "steady/1", "split": "matte", "people": args.count, "frames": FRAMES, "rows": rows}


def clips(folder: Path, segmenter: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    rows = []
    for path in sorted((folder / "video").glob("*.mp4")):
        frames = bench.clip(path, 30, FRAMES)
        motions = bench.motions(frames)
        known = round(float(np.mean([known.mean() for _, known in motions])), 4)
        for name, alphas in shown(segmenter, frames, args):
            flicker = round(bench.unexplained(alphas, motions), 6)
            rows.append({"clip": path.stem, "name": name, "known": known, "unexplained": flicker})
            if args.strips:
                strip(
                    frames, alphas, args.strips / f"{path.stem}-{name.replace(', ', '-').replace(' ', '-')}"
                )
    return {"schema": "steady-clips/1", "frames": FRAMES, "rows": rows}


def strip(frames: list[Any], alphas: Any, path: Path) -> None:
    """Six frames in a row on green: to look at, never to keep."""
    cells = [
        (f * a[..., None] + np.float32([0, 180, 0]) * (1 - a[..., None])).astype(np.uint8)
        for f, a in zip(frames[4:16:2], alphas[4:16:2], strict=True)
    ]
    wide = np.hstack([cv2.resize(cell, (0, 0), fx=0.3, fy=0.3) for cell in cells])
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(f"{path}.png", wide[..., ::-1])


def cuts(folder: Path, segmenter: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    size = segmenter.engine.size

    def looks(frames: Any) -> list[Any]:
        return [glance(np.asarray(to_network(f, size)[0][0].transpose(1, 2, 0) * 255)) for f in frames]

    films = {p.stem: looks(bench.clip(p, 0, 174)) for p in sorted((folder / "video").glob("*.mp4"))}
    moving = {
        name: [looks(one.frames[::3]) for one in played(folder, "train", args.count, motion, FRAMES)]
        for name, motion in MOTIONS.items()
    }
    rooms = [looks([scene])[0] for scene in scenes_of(folder, 0, 150)]
    every = [film for name in moving for film in moving[name]] + list(films.values())

    def following(film: list[Any], step: int) -> list[float]:
        return [novelty(a, b) for a, b in zip(film, film[step:], strict=False)]

    kinds = {
        "clips, 30 frames a second": [x for film in films.values() for x in following(film, 1)],
        "clips, 10 frames a second": [x for film in films.values() for x in following(film, 3)],
        **{f"{n}, 10 frames a second": [x for f in moving[n] for x in following(f, 1)] for n in moving},
        "cut: two films": [novelty(a[-1], b[0]) for a in every for b in every if a is not b],
        "cut: two rooms": [novelty(a, b) for a, b in pairwise(rooms)],
        "cut: the same person in another room": [
            novelty(a[-1], b[0]) for a, b in zip(again(folder, args, 0), again(folder, args, 9), strict=True)
        ],
    }
    rows = [
        {"kind": kind, "pairs": len(x), "called_cut": round(float(np.mean(np.array(x) > CUT)), 4)}
        | {name: round(float(np.quantile(x, q)), 4) for name, q in QUANTILES.items()}
        for kind, x in kinds.items()
    ]
    return {"schema": "cuts/1", "threshold": CUT, "rows": rows}


def again(folder: Path, args: argparse.Namespace, shift: int) -> list[list[Any]]:
    """Everybody before the scene `shift` places on, at rest: a frame's glance each."""
    size = Segmenter(threads=1).engine.size
    scenes = scenes_of(folder, 400 + shift, args.count)
    found = []
    for sample, scene in zip(people(folder, "train", args.count), scenes, strict=True):
        frame = made.sequence(sample, scene, 1, np.random.default_rng(3)).frames[0]
        found.append([glance(np.asarray(to_network(frame, size)[0][0].transpose(1, 2, 0) * 255))])
    return found


QUANTILES = {"least": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "most": 1.0}


class Once:
    """An engine whose last answer two streams share."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.name, self.size, self.card = engine, engine.name, engine.size, engine.card
        self.image, self.alpha = np.zeros(0), np.zeros(0)

    def __call__(self, image: Any) -> Any:
        if not np.array_equal(image, self.image):
            self.image, self.alpha = image, self.engine(image)
        return self.alpha.copy()


def idle(folder: Path, segmenter: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    rows, engine = [], segmenter.engine
    films: dict[str, Iterator[Any]] = {
        "pauses": (one.frames for one in played(folder, "train", args.count, made.PAUSES, 72))
    }
    for path in sorted((folder / "video").glob("*.mp4")):
        films[path.stem] = iter([bench.clip(path, 30, 75)])
    for name, found in films.items():
        frames, skipped, worst, errors = 0, 0, 0.0, []
        for film in found:
            segmenter.engine = Once(engine)
            awake, resting = segmenter.stream(), segmenter.stream(idle=True)
            for frame in film:
                before = resting.skipped
                difference = np.abs(resting.mask(frame) - awake.mask(frame))
                if resting.skipped > before:
                    errors.append(float(difference.mean()))
                    worst = max(worst, float(cv2.blur(difference, (8, 8)).max()))
            frames, skipped = frames + resting.frames, skipped + resting.skipped
        share, mean = round(skipped / frames, 4), round(float(np.mean(errors)) if errors else 0.0, 6)
        rows.append(
            {"clip": name, "frames": frames, "skipped": share, "error": mean, "worst": round(worst, 4)}
        )
    return {"schema": "idle/1", "rows": rows}


def edges(folder: Path, segmenter: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    """On stills of matte whose alpha is exact; times at 720p, interleaved."""
    exact = [s for s in people(folder, "matte", 2 * args.count) if s.meta["source"] == SOURCES[0]]
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "none": lambda frame, mask: resize(mask, frame.shape[:2]),
        **{
            f"{cells:g} cells a mask's pixel": lambda frame, mask, cells=cells: refine(frame, mask, cells)
            for cells in (0.5, 0.75, 1.0, CELLS)
        },
        "as the stream draws them": lambda frame, mask: refine_frame(frame, halved(frame), mask),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    spent: dict[str, list[float]] = {name: [] for name in ("network", *ways)}
    for sample in exact:
        mask = segmenter.mask(sample.image)
        large = np.asarray(resize(sample.image, (1280, 720)), np.uint8)
        image, _ = to_network(large, segmenter.engine.size)
        spent["network"].append(timed(lambda: segmenter.engine(image)))  # noqa: B023
        for name, way in ways.items():
            scored = score(way(sample.image, mask), sample.alpha)
            found[name].append({m: scored[m] for m in ("iou", "boundary_iou", "mad")})
            spent[name].append(timed(lambda: way(large, mask)))  # noqa: B023
    network = np.median(spent["network"])
    rows = [
        {"name": name}
        | bench.means(found[name])
        | {"ratio": round(float(np.median(spent[name]) / network), 3)}
        for name in ways
    ]
    return {"schema": "video-edges/1", "people": len(exact), "rows": rows}


def timed(call: Callable[[], Any]) -> float:
    start = process_time()
    call()
    return process_time() - start


PARTS = {"edges": edges, "choice": choice, "matte": matte, "clips": clips, "cuts": cuts, "idle": idle}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--model", default="small")
    parser.add_argument("--count", type=int, default=16, help="people [16]")
    parser.add_argument("--motions", nargs="+", choices=MOTIONS, default=list(MOTIONS), help="of matte [all]")
    parser.add_argument("--peers", type=Path, help="folder of other systems' weights")
    parser.add_argument("--video", type=Path, help="a network with memory, to stand beside the others")
    parser.add_argument("--strips", type=Path, help="folder for strips of frames to look at")
    parser.add_argument("--out", type=Path, help="results/steady/PART.json")
    args = parser.parse_args()
    if args.part in ("matte", "clips") and not args.peers:
        parser.error(f"{args.part} needs --peers")

    cv2.setNumThreads(1)
    segmenter = Segmenter(args.model, threads=1)
    about = {
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "model": args.model,
        "sha256": results.sha256(find(args.model)),
    }
    result = PARTS[args.part](args.data or data_folder(), segmenter, args)
    for row in result["rows"]:
        print(row)
    results.write(
        {"schema": result["schema"]} | about | result, args.out or Path(f"results/steady/{args.part}.json")
    )


if __name__ == "__main__":
    main()
