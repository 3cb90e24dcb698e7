"""What keeping only the main person does: `python scripts/measure_subject.py --data DIR`.

On val, where passers-by and all but one annotated person are background, and on the same pictures with a
bystander of the training split set beside the person wherever there is room: person IoU and boundary IoU with
everyone, with the largest part of the mask, and with the part that has size and place for it.
"""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fastportrait import Segmenter, results
from fastportrait.data.shards import Sample, data_folder, read, read_shard, shards
from fastportrait.metrics.score import score
from fastportrait.subject import Part, main_subject
from fastportrait.weights import find

Frame = NDArray[np.uint8]
RULES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "everyone": lambda mask: mask,
    "the largest part": lambda mask: main_subject(mask, weight=largest),
    "the main person: size and place": main_subject,
}


def largest(part: Part) -> float:
    return part.size


def bystanders(folder: Path, count: int) -> list[Sample]:
    """Busts with exact alpha, of the first shards of train."""
    found: list[Sample] = []
    for shard in shards(folder, "train"):
        for sample in read_shard(shard):
            if sample.meta["source"] in ("nba_rgba", "sports_headshots") and sample.meta["mask"] == "alpha":
                found.append(sample)
                if len(found) == count:
                    return found
    return found


def beside(sample: Sample, other: Sample, random: np.random.Generator) -> Frame | None:
    """The picture with `other`, smaller, cut off by its lower edge, clear of the person; None if no room."""
    assert sample.alpha is not None
    assert other.alpha is not None
    height, width = sample.alpha.shape
    clear = round(0.04 * np.hypot(height, width))
    taken = cv2.dilate(
        (sample.alpha > 12).astype(np.uint8), np.ones((2 * clear + 1, 2 * clear + 1), np.uint8)
    )
    for share in random.uniform(0.35, 0.7, 6):
        scale = share * height / other.alpha.shape[0]
        size = (max(2, round(other.alpha.shape[1] * scale)), max(2, round(other.alpha.shape[0] * scale)))
        alpha = cv2.resize(other.alpha, size, interpolation=cv2.INTER_AREA)
        colours = cv2.resize(other.image, size, interpolation=cv2.INTER_AREA)
        for left in random.permutation(np.arange(-size[0] // 3, width - 2 * size[0] // 3, 4)):
            first, last = max(left, 0), min(left + size[0], width)
            part = slice(first - left, last - left)
            place = (slice(height - size[1], height), slice(first, last))
            if (taken[place] & (alpha[:, part] > 12)).any():
                continue
            frame = sample.image.copy()
            share_of = alpha[:, part, None].astype(np.float32) / 255
            mixed = share_of * colours[:, part] + (1 - share_of) * frame[place]
            frame[place] = np.rint(mixed).astype(np.uint8)
            return frame
    return None


def measure(segmenter: Segmenter, pictures: list[tuple[str, Frame, Frame]]) -> list[dict[str, Any]]:
    """One row a rule: IoU and boundary IoU by group and of all, and how many pictures it changed."""
    found: dict[str, list[tuple[str, float, float]]] = {rule: [] for rule in RULES}
    changed = dict.fromkeys(RULES, 0)
    for group, frame, truth in pictures:
        mask = segmenter.mask(frame)
        for rule, choose in RULES.items():
            chosen = choose(mask)
            changed[rule] += not np.array_equal(chosen, mask)
            scores = score(segmenter.alpha(frame, chosen), truth)
            found[rule].append((group, scores["iou"], scores["boundary_iou"]))
    rows = []
    for rule, scored in found.items():
        groups = sorted({group for group, _, _ in scored})
        rows.append(
            {
                "rule": rule,
                "changed": changed[rule],
                "iou": round(float(np.mean([iou for _, iou, _ in scored])), 5),
                "boundary_iou": round(float(np.mean([edge for _, _, edge in scored])), 5),
                "groups": {
                    name: round(float(np.mean([iou for group, iou, _ in scored if group == name])), 5)
                    for name in groups
                },
            }
        )
        print(rows[-1])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of shards [FASTPORTRAIT_DATA]")
    parser.add_argument("--model", default="small")
    parser.add_argument("--out", type=Path, default=Path("results/choices/subject.json"))
    args = parser.parse_args()

    folder = args.data or data_folder()
    segmenter = Segmenter(args.model, threads=1)
    cv2.setNumThreads(1)
    samples = [sample for sample in read(folder, "val") if sample.alpha is not None]
    random = np.random.default_rng(0)
    others = bystanders(folder, len(samples))
    plain = [(sample.meta["source"], sample.image, sample.alpha) for sample in samples]
    crowded = [
        (sample.meta["source"], frame, sample.alpha)
        for sample, other in zip(samples, others, strict=False)
        if (frame := beside(sample, other, random)) is not None
    ]
    result = {
        "schema": "subject/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "model": args.model,
        "sha256": results.sha256(find(args.model)),
        "splits": {
            name: {"pictures": len(pictures), "rows": measure(segmenter, pictures)}
            for name, pictures in (("val", plain), ("val with a bystander", crowded))
        },
    }
    results.write(result, args.out)


if __name__ == "__main__":
    main()
