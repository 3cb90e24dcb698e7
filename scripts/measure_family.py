"""What plans of the top-down family take in LiteRT, one thread: `python scripts/measure_family.py`.

All of them beside MediaPipe's selfie segmenter (its file in the folder that FASTPORTRAIT_PEERS names), in
interleaved rounds of one process; weights are by a formula, for they change no time. From this table the
sizes of the family were chosen (docs/search.md), and search's table of times is fitted to it.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

from fastportrait import results
from fastportrait.nets.card import measure
from fastportrait.nets.plan import Block, Plan
from fastportrait.nets.topdown import BASE, SMALL
from fastportrait.search import measure as clock
from fastportrait.search.study import key_of

ROOT = Path(__file__).parents[1]
Plans = dict[str, tuple[Plan, tuple[int, int]]]
SQUARE = (256, 256)


def stage(*blocks: tuple[int, ...]) -> tuple[Block, ...]:
    return tuple(Block(hidden, channels, full=bool(full)) for hidden, channels, *full in blocks)


RAW = replace(SMALL, normalised=False)
EARLY = (stage((0, 16)), stage((48, 24), (72, 24)))
"""The first two stages, at half of their hidden channels."""
MIDDLE = stage((72, 32), (96, 32), (96, 32))
LATE = stage((144, 64), (192, 64), (192, 64), (192, 64), (288, 96))
TOP = stage((288, 96), (288, 96))
HALF = Plan(16, (*EARLY, MIDDLE, LATE, TOP), (8, 16, 24, 48, 64), top=1, normalised=False)
FEW = Plan(
    16,
    (
        (),
        stage((32, 16), (48, 16)),
        stage((64, 24), (72, 24)),
        stage((96, 48), (144, 48), (144, 48), (192, 64)),
        stage((192, 64), (192, 64)),
    ),
    (8, 8, 16, 24, 48),
    top=1,
    head=1,
    normalised=False,
)
ONE_CHANGE: Plans = {
    "small": (SMALL, SQUARE),
    "small: colours not normalised": (RAW, SQUARE),
    "small at 224": (SMALL, (224, 224)),
    "small at 192": (SMALL, (192, 192)),
    "small: stem 16": (replace(SMALL, stem=16), SQUARE),
    "small: no block at stride 2": (replace(SMALL, stages=((), *SMALL.stages[1:])), SQUARE),
    "small: half as wide inside at strides 2, 4": (
        replace(SMALL, stages=(*EARLY, *SMALL.stages[2:])),
        SQUARE,
    ),
    "small: half as wide inside at all strides": (
        replace(SMALL, stages=(*EARLY, MIDDLE, LATE, SMALL.stages[4])),
        SQUARE,
    ),
    "small: first expansion by a full 3x3 of 48": (
        replace(SMALL, stages=(SMALL.stages[0], stage((48, 24, 3), (144, 24)), *SMALL.stages[2:])),
        SQUARE,
    ),
    "small: decoder 8, 16, 24, 48, 64": (replace(SMALL, widths=(8, 16, 24, 48, 64)), SQUARE),
    "small: head sees 8": (replace(SMALL, last=8), SQUARE),
    "small: head 1x1": (replace(SMALL, head=1), SQUARE),
    "small: decoder ends at stride 4": (replace(SMALL, widths=SMALL.widths[1:]), SQUARE),
    "small: patches of 4": (
        replace(SMALL, patch=4, stages=((), *SMALL.stages[2:]), widths=SMALL.widths[1:]),
        SQUARE,
    ),
}
COMBINED: Plans = {
    "half": (HALF, SQUARE),
    "half, decoder from stride 4": (replace(HALF, widths=(16, 24, 48, 64)), SQUARE),
    "half, no block at stride 2": (replace(HALF, stages=((), *HALF.stages[1:])), SQUARE),
    "half, no block at stride 2, head 1x1": (
        replace(HALF, stages=((), *HALF.stages[1:]), head=1),
        SQUARE,
    ),
    "half, full 3x3 of 32": (
        replace(HALF, stages=((), stage((32, 24, 3), (72, 24)), *HALF.stages[2:])),
        SQUARE,
    ),
    "half inside below stride 16": (replace(HALF, stages=(*EARLY, MIDDLE, *SMALL.stages[3:])), SQUARE),
    "half at 224": (HALF, (224, 224)),
    "few": (FEW, SQUARE),
    "few, decoder from stride 4": (replace(FEW, widths=FEW.widths[1:]), SQUARE),
    "few, decoder from stride 4, head 3x3": (replace(FEW, widths=FEW.widths[1:], head=3), SQUARE),
    "few, patches of 4": (replace(FEW, patch=4, stages=((), *FEW.stages[2:]), widths=(16, 24, 48)), SQUARE),
    "few at 192": (FEW, (192, 192)),
    "base at 256": (BASE, SQUARE),
    "base: decoder 16, 24, 48, 96, 128": (replace(BASE, widths=(16, 24, 48, 96, 128)), SQUARE),
    "base at 320": (BASE, (320, 320)),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--peers-folder", type=Path)
    parser.add_argument("--only", help="Names, with semicolons between them.")
    parser.add_argument("--plans", type=Path, help="JSON {name: {plan, size}}: these in place of our own.")
    parser.add_argument("--files", type=Path, help="Folder that keeps the converted files for the next time.")
    parser.add_argument("--out", type=Path, default=ROOT / "results/candidates/family.json")
    args = parser.parse_args()
    plans: Plans = {**ONE_CHANGE, **COMBINED}
    if args.plans:
        read = json.loads(args.plans.read_text(encoding="utf-8"))
        plans = {name: (Plan.read(one["plan"]), tuple(one["size"])) for name, one in read.items()}
    if args.only:
        plans = {name: plans[name] for name in args.only.split(";")}

    with tempfile.TemporaryDirectory() as temporary:
        folder = args.files or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        against = clock.reference(folder, args.peers_folder)
        models = {against.name: against.model}
        for i, (name, (plan, size)) in enumerate(plans.items()):
            path = folder / f"{key_of(plan, size)}.tflite"
            models[name] = str(path if path.is_file() else clock.file(plan, size, path))
            print(f"[{i + 1}/{len(plans)}] {name}", flush=True)
        times = clock.timed(models, args.rounds, args.peers_folder)
    measured = clock.rows(times, against.name, [*models])
    rows = []
    for name, (plan, size) in plans.items():
        cost = measure(clock.card(plan, size).build, size)
        made = {"name": name, "input": f"{size[0]}x{size[1]}", "params": cost.params, "macs": cost.macs}
        rows.append({**made, **measured[name], "plan": plan.write()})
        print(
            f"{name:<46} {made['input']} {cost.params / 1e3:6.0f} K {cost.macs / 1e6:5.0f} M "
            f"{measured[name]['cpu_ms']['median']:6.2f} ms {measured[name]['ratio']:5.2f}"
        )
    result = {
        "schema": "family/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
        "runtime": f"LiteRT {version('ai-edge-litert')}, CPU",
        "reference": {"name": against.name, "cpu_ms": measured[against.name]["cpu_ms"]},
        "rounds": args.rounds,
        "plans": rows,
    }
    results.write(result, args.out)
    print(args.out)


if __name__ == "__main__":
    main()
