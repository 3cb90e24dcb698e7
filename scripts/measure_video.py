"""How fast a 720p video is cut out, each stage alone and all together, ours and MediaPipe's network in turn:

    python scripts/measure_video.py --peers WEIGHTS --data DATA

The clip is the demo portrait, moving, with grain and a tone. Without --peers only ours is measured.
With --data, how near a video's edges come to the truth beside a photo's, on the split `matte`.
"""

import argparse
import cProfile
import os
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fastportrait import Segmenter, results
from fastportrait.contenders import load
from fastportrait.data.shards import read
from fastportrait.media import encoders, film, images, memory, quick
from fastportrait.media.containers import ContainerWriter
from fastportrait.media.shot import Shot
from fastportrait.media.videos import Video
from fastportrait.refine import halved, refine, refine_frame

ROOT = Path(__file__).parents[1]
COLOUR = (59, 110, 165)
HELD = 30
"""Frames in memory for the stages that are timed alone."""


def make_clip(path: Path, frames: int) -> None:
    """1280 x 720, 30 a second, H.264 with sound: a sway of the demo portrait before its own background."""
    import av

    photo = images.read(ROOT / "examples" / "astronaut.jpg").frame
    scale = 1500 / photo.shape[1]
    photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    random = np.random.default_rng(0)
    grain = random.normal(0, 3, (4, 720, 1280, 3)).astype(np.float32)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        sound = out.add_stream("aac", rate=48000)
        sound.codec_context.layout = "mono"
        for index in range(frames):
            x = 110 + round(90 * np.sin(index / 17))
            y = 60 + round(40 * np.sin(index / 11))
            part = photo[y : y + 720, x : x + 1280].astype(np.float32)
            pixels = np.clip(part + grain[index % 4], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for start in range(0, frames * 1600, 1024):
            wave = 0.2 * np.sin(2 * np.pi * 440 * (start + np.arange(1024)) / 48000)
            tone = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="fltp", layout="mono")
            tone.sample_rate, tone.pts, tone.time_base = 48000, start, Fraction(1, 48000)
            out.mux(sound.encode(tone))
        out.mux(sound.encode(None))


class Theirs:
    """MediaPipe's network behind our engines' face: (1, 3, h, w) RGB in [0, 1] -> (1, 1, h, w)."""

    name, size, card = "LiteRT", (256, 256), dict[str, Any]()

    def __init__(self, peer: Any) -> None:
        self._peer = peer

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        mask = self._peer.alpha(self._peer.network(np.ascontiguousarray(image.transpose(0, 2, 3, 1))))
        return np.clip(np.asarray(mask, np.float32), 0, 1)[None, None]


def theirs(folder: Path) -> Segmenter:
    segmenter = Segmenter.__new__(Segmenter)
    segmenter.subject = "all"
    segmenter.engine = Theirs(load("peer:mediapipe-selfie", 1, folder).segment)
    return segmenter


Timed = tuple[float, float]
"""Frames a second by the wall clock, and milliseconds of CPU a frame."""


def timed(frames: int, work: Callable[[], object]) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return frames / (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu) / frames


def stages(clip: Path, folder: Path, segmenter: Segmenter) -> dict[str, Timed]:
    """Each stage by itself, as it is set up in the pipeline."""
    taken = {}
    with Video(clip) as video:
        count = video.count or 0
        taken["decode"] = timed(count, lambda: [None for _ in video])
    with Video(clip) as video:
        shots = list(islice(video, HELD))
        masks = film.Masks(segmenter, steady=True)
        masks(shots[0].frame)
        taken["network and transform"] = timed(HELD, lambda: [masks(shot.frame) for shot in shots])
        alphas = [masks(shot.frame) for shot in shots[:3]]
        behind = np.zeros_like(shots[0].frame)
        behind[:] = COLOUR
        pairs = list(zip(shots, cycle(alphas), strict=False))
        taken["compose"] = timed(
            HELD, lambda: [quick.composite(shot.frame, alpha, behind) for shot, alpha in pairs]
        )
        done = [(shot, quick.composite(shot.frame, alpha, behind)) for shot, alpha in pairs]
        taken["encode"] = timed(2 * HELD, lambda: encode(folder / "alone.mp4", video, done))
    return taken


def encode(path: Path, video: Video, done: list[tuple[Shot, Any]]) -> None:
    choice = encoders.choose(".mp4", transparent=False, codec=None, depth=8)
    writer = ContainerWriter(path, ".mp4", choice, video)
    for index, (shot, pixels) in enumerate([*done, *done]):
        moved = Shot(shot.frame, None, None, index * 512, 512, False)
        writer.write(moved, pixels, None)
    writer.close()


def profile(clip: Path, segmenter: Segmenter) -> list[dict[str, Any]]:
    """Where masks and composing take their time, most first."""
    with Video(clip) as video:
        shots = list(islice(video, HELD))
    masks = film.Masks(segmenter, steady=True)
    behind = np.zeros_like(shots[0].frame)
    masks(shots[0].frame)
    run = cProfile.Profile(time.thread_time)
    run.enable()
    for shot in shots:
        quick.composite(shot.frame, masks(shot.frame), behind)
    run.disable()
    rows = []
    for (file, _, name), (_, calls, own, _, _) in pstats.Stats(run).stats.items():  # type: ignore[attr-defined]
        place = Path(file).stem + "." if file.endswith(".py") else ""
        rows.append(
            {"name": place + name.strip("{}"), "calls": calls // HELD, "ms": round(1e3 * own / HELD, 2)}
        )
    return sorted(rows, key=lambda row: -row["ms"])[:14]


def edges(data: Path, segmenter: Segmenter) -> list[dict[str, Any]]:
    """Every fourth portrait of `matte`, enlarged to 720 pixels: MAD x1000, whole and near the edge."""
    found: dict[str, list[tuple[float, float, float]]] = {
        "the mask, resized": [],
        "as a photo": [],
        "as a video": [],
    }
    for sample in islice(read(data, "matte"), 0, None, 4):
        assert sample.alpha is not None
        scale = 720 / min(sample.image.shape[:2])
        size = tuple(round(side * scale) // 2 * 2 for side in sample.image.shape[1::-1])
        frame = np.asarray(cv2.resize(sample.image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        truth = cv2.resize(sample.alpha, size, interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
        near = cv2.dilate(((truth > 0.02) & (truth < 0.98)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        small = halved(frame)
        mask, small_mask = segmenter.mask(frame), segmenter.mask(small)
        ways = {
            "the mask, resized": lambda m=mask, s=size: cv2.resize(m, s),
            "as a photo": lambda f=frame, m=mask: refine(f, m),
            "as a video": lambda f=frame, s=small, m=small_mask: refine_frame(f, s, m),
        }
        for name, way in ways.items():
            start = time.thread_time()
            off = np.abs(way() - truth)
            found[name].append(
                (1e3 * float(off.mean()), 1e3 * float(off[near].mean()), 1e3 * (time.thread_time() - start))
            )
    return [
        {
            "name": name,
            "pictures": len(rows),
            "mad": round(statistics.mean(row[0] for row in rows), 2),
            "edge_mad": round(statistics.mean(row[1] for row in rows), 2),
            "cpu_ms": round(statistics.median(row[2] for row in rows), 2),
        }
        for name, rows in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, help="the folder of the other systems' weights")
    parser.add_argument("--data", type=Path, help="the folder of shards")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "latency" / "video.json")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    memory.keep()
    models = {"small": Segmenter(threads=1)}
    if args.peers:
        models["mediapipe-selfie"] = theirs(args.peers)
    taken: dict[str, list[dict[str, Timed]]] = {name: [] for name in models}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "in.mp4"
        make_clip(clip, args.frames)
        for turn in range(args.rounds):
            for name, segmenter in models.items():
                found = stages(clip, Path(folder), segmenter)
                found["all together"] = timed(
                    args.frames,
                    lambda to=f"{folder}/{name}{turn}.mp4", by=segmenter: film.cut(
                        clip, to, by, film.Wish(COLOUR)
                    ),
                )
                taken[name].append(found)
                print(name, {stage: (round(fps, 1), round(cpu, 1)) for stage, (fps, cpu) in found.items()})
        where = profile(clip, models["small"])
    result = {
        "schema": "video/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {
            "device": "cpu", "cpu": results.cpu_name(), "threads": 1,
            "cores": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[0], 1),
        },
        "input": f"H.264, 1280 x 720, 30 frames/s, {args.frames} frames, sound; to H.264 on a colour",
        "rounds": args.rounds,
        "models": [row(name, rounds) for name, rounds in taken.items()],
        "profile": where,
        "edges": edges(args.data, models["small"]) if args.data else [],
    }  # fmt: skip
    results.write(result, args.out)


def row(name: str, rounds: list[dict[str, Timed]]) -> dict[str, Any]:
    """Medians over the rounds."""
    middle = {
        stage: [statistics.median(found[stage][part] for found in rounds) for part in (0, 1)]
        for stage in rounds[0]
    }
    alone = {stage: fps for stage, (fps, _) in middle.items() if stage != "all together"}
    fps, cpu = middle["all together"]
    return {
        "name": name,
        "stages": [
            {
                "name": stage,
                "frames_per_second": round(middle[stage][0], 2),
                "cpu_ms": round(middle[stage][1], 2),
            }
            for stage in alone
        ],
        "frames_per_second": round(fps, 2),
        "cpu_ms": round(cpu, 2),
        "slowest": min(alone, key=lambda stage: alone[stage]),
        "share": round(fps / min(alone.values()), 3),
        "real_time": round(fps / 30, 3),
    }


if __name__ == "__main__":
    main()
