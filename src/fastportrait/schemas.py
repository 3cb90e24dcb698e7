"""What each kind of result file holds: the file with types in place of values.

`{"*": x}` is a mapping with any names, `[x]` a list with something in it, `Maybe(x)` null where not known.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Maybe:
    of: Any


SCORE = {"value": float, "low": float, "high": float}
ACCURACY: dict[str, Any] = {
    "schema": str,
    "date": str,  # of the measurement: 2025-01-31
    "commit": str,  # of fastportrait; "-dirty" where its package had changes
    "model": {"name": str, "file": str, "sha256": str, "network": str, "input": str},
    "data": {"split": str, "pictures": int, "whole": bool, "shards": {"*": str}},  # shard: SHA-256
    "machine": {
        "device": str,
        "cpu": str,
        "threads": int,
        "runtime": str,
    },  # threads 0: the runtime's choice
    "protocol": str,
    "metrics": {"*": str},  # name: its variant, in words
    "scores": {"*": SCORE},  # with 95 % bootstrap intervals over pictures
    "groups": {"*": [{"name": str, "pictures": int, "*": float}]},  # by source and kind, worst first
    "pictures": [{"key": str, "*": float}],
}
DIFFERENCE: dict[str, Any] = {
    "ours": str,
    "theirs": str,
    "metric": str,
    "mean": float,
    "low": float,
    "high": float,
    "share": float,  # of the resamples in which ours - theirs is above 0
    "pictures": int,
    "words": str,
}
SPREAD = {"p5": float, "median": float, "p95": float}
LAYER = {"name": str, "op": str, "output": str, "ms": float, "share": float, "gmacs_per_s": float}
MEASURED = {"schema": str, "date": str, "commit": str, "model": str, "sha256": str}
PLAN = {  # of a top-down network, as nets/plan.py writes it
    "stem": int,
    "stages": list,
    "widths": [int],
    "last": int,
    "top": int,
    "patch": int,
    "head": int,
    "normalised": bool,
}
SCHEMAS: dict[str, Any] = {
    "accuracy/1": ACCURACY,
    "comparison/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "results": [ACCURACY],
        "differences": {"*": [DIFFERENCE]},  # by "ours - theirs"
    },
    "trained/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "recipe": str,
        "network": str,
        "input": str,
        "params": int,
        "macs": int,  # at that input, as a phone runs it
        "seed": int,
        "steps": int,
        "batch": int,
        "pictures": int,  # of the training split
        "epochs": float,  # steps x batch / pictures
        "machine": {"device": str, "cpu": str, "threads": int},
        "precision": str,
        "seconds": float,
        "images_per_second": float,
        "network_images_per_second": float,  # its forward and backward pass alone
        "scores": {"*": float},  # on val, of the last validation: IoU in %, MAD x100
    },
    "board/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "protocol": str,
        "rounds": int,
        "input": str,
        "networks": [
            {
                "name": str,
                "params": int,
                "macs": int,
                "runtime": str,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
            }
        ],
        "peers": [
            {
                "name": str,
                "file": str,
                "sha256": str,
                "input": str,
                "runtime": str,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
            }
        ],
    },
    "candidates/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "runtime": str,
        "rounds": int,
        "candidates": [
            {
                "name": str,
                "params": int,
                "macs": int,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
                "ratio": float,  # of CPU time, to the first candidate
            }
        ],
    },
    "family/1": {  # scripts/measure_family.py
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "runtime": str,
        "reference": {"name": str, "cpu_ms": SPREAD},
        "rounds": int,
        "plans": [
            {
                "name": str,
                "input": str,
                "params": int,
                "macs": int,
                "cpu_ms": SPREAD,
                "ratio": float,  # of CPU time, to the reference: the median over rounds
                "plan": PLAN,
            }
        ],
    },
    "search/1": {  # fastportrait search
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str},
        "space": str,
        "space_sha256": str,
        "init": str,
        "init_sha256": str,
        "recipe": str,
        "recipe_sha256": str,
        "score": str,
        "cost": str,  # what its numbers are, in words
        "trials": [
            {
                "trial": int,
                "folder": str,
                "input": str,
                "params": int,
                "macs": int,
                "score": float,  # after the space's short training
                "scores": {"*": float},
                "cost": float,
                "seconds": float,
                "front": bool,  # nothing cheaper or as cheap is better
                "plan": PLAN,
            }
        ],
    },
    "overfit/1": {
        "schema": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "portraits": int,
        "enough": float,
        "rows": [
            {
                "name": str,
                "date": str,
                "commit": str,
                "side": int,
                "iou": float,
                "steps": int,
                "seconds": float,
            }
        ],
    },
    "stretch/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "model": str,
        "sha256": str,
        "split": str,
        "pictures": int,
        "rows": [
            {
                "stretch": str,
                "iou": float,
                "boundary_iou": float,
                "odd_iou": float,
                "odd_boundary_iou": float,
            }
        ],
    },
    "presence/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "model": str,
        "sha256": str,
        "share": float,
        "chosen": float,
        "pictures": {"*": int},
        "rows": [{"threshold": float, "val_missed": float, "background_false": float, "empty_false": float}],
    },
    "subject/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "model": str,
        "sha256": str,
        "splits": {
            "*": {
                "pictures": int,
                "rows": [
                    {
                        "rule": str,
                        "changed": int,  # pictures whose mask it changed
                        "iou": float,
                        "boundary_iou": float,
                        "groups": {"*": float},  # IoU by source
                    }
                ],
            }
        },
    },
    "steps/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "input": str,
        "model": str,
        "rounds": int,
        "steps": [{"name": str, "cpu_ms": float, "cpu_ms_p90": float, "wall_ms": float}],
    },
    "steady/1": {  # on sequences with exact alpha
        **MEASURED,
        "split": str,
        "people": int,
        "frames": int,  # of each sequence
        "rows": [
            {
                "name": str,
                "motion": str,
                "dtssd": float,
                "flicker": float,
                "moving_edge_iou": float,
                "iou": float,
                "mad": float,
                "*": float,
            }
        ],
    },
    "steady-clips/1": {  # `known`: the share of pixels whose motion is
        **MEASURED,
        "frames": int,
        "rows": [{"clip": str, "name": str, "known": float, "unexplained": float}],
    },
    "video-edges/1": {  # `ratio`: CPU time at 1280 x 720, the network's being 1
        **MEASURED,
        "people": int,
        "rows": [{"name": str, "iou": float, "boundary_iou": float, "mad": float, "ratio": float}],
    },
    "cuts/1": {  # the share of a frame that is new in it
        **MEASURED,
        "threshold": float,
        "rows": [{"kind": str, "pairs": int, "called_cut": float, "*": float}],
    },
    "idle/1": {  # `error` and `worst`: of the mask in skipped frames
        **MEASURED,
        "rows": [{"clip": str, "frames": int, "skipped": float, "error": float, "worst": float}],
    },
    "int8/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "model": str,
        "sha256": str,
        "calibration": int,  # pictures of train
        "judged_on": int,  # pictures of val
        "allowed": {"*": float},
        "rungs": [
            {
                "format": str,
                "rung": str,
                "in_float": int,  # layers that stay in float
                "iou": float,
                "boundary_iou": float,
                "lost_iou": float,
                "lost_boundary_iou": float,
                "shift": float,  # pixels
                "holds": bool,
                "kept": bool,
            }
        ],
        "files": [
            {"format": str, "file": str, "bytes": int, "iou": float, "boundary_iou": float, "mad": float}
        ],
    },
    "parity/1": {
        "schema": str,
        "runtime": str,
        "checked_by": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "tolerances": {"*": {"*": float}},  # precision: name: limit
        "rows": [
            {
                "network": str,
                "precision": str,
                "trained": bool,  # false: weights by a formula, error only
                "size": str,
                "pictures": str,
                "weights": str,  # SHA-256 over the network's tensors
                "result": str,  # pass or fail
                "message": str,  # of the gate or the converter where it fails
                "layer": str,
                "file": str,  # SHA-256 of what was written
                "bytes": int,
                "measured": {"*": float},
                "date": str,
                "commit": str,
                "versions": {"*": str},
                "seconds": float,
            }
        ],
    },
    "latency/2": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "cores": int, "bytes_per_s": float, "how": str},
        "peaks": [{"threads": int, "macs_per_s": float}],
        "protocol": str,
        "rounds": int,
        "reference": str,
        "models": [
            {
                "name": str,
                "ours": bool,
                "network": str,
                "input": str,
                "file": str,
                "sha256": str,
                "bytes": int,
                "runtime": str,
                "threads": int,
                "params": Maybe(int),  # as counted from the file
                "macs": Maybe(int),
                "cpu_ms": SPREAD,  # of the network alone
                "wall_ms": SPREAD,
                "ratio": float,  # to the reference, of CPU time (one thread) or the wall clock (more)
                "peak_share": Maybe(
                    float
                ),  # of the multiply-adds that the machine's peak would do in its time
                "frame_ms": Maybe(
                    SPREAD
                ),  # a frame of 1280 x 720 to its mask: CPU time, of more threads wall
                "first_mask": Maybe({"wall_ms": float, "cpu_ms": float}),  # from the start of a process
                "memory": Maybe({"peak_mb": Maybe(float), "added_mb": Maybe(float)}),
                "accuracy": Maybe({"split": str, "pictures": int, "scores": {"*": SCORE}}),
                "layers": Maybe([LAYER]),
            }
        ],
    },
    "arm64/1": {  # a cost, never a latency
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"cpu": str, "emulator": str, "wheels": [str]},
        "protocol": str,
        "reference": str,
        "models": [
            {
                "name": str,
                "ours": bool,
                "file": str,
                "sha256": str,
                "bytes": int,
                "input": str,
                "runtime": str,
                "instructions": int,  # of one mask
                "memory_accesses": int,
                "start": int,  # instructions of the process without its masks
                "max_error": float,  # of its output, to that of the same file and runtime on x86
                "ratio": float,  # of instructions, to the reference
            }
        ],
    },
    "phone/1": {  # what the phone app writes: `fastportrait bench --import` takes it in
        "schema": str,
        "date": str,
        "app": str,  # its version
        "model": {"name": str, "file": str, "sha256": str},
        "device": {"name": str, "platform": str, "browser": str},  # as its owner calls it: "Pixel 8"
        "runtime": {
            "name": str,
            "backend": str,
            "threads": int,
        },  # "LiteRT.js 2.5.3", "wasm"; threads 0: unknown
        "protocol": str,
        "camera": {"width": int, "height": int, "fps": float},
        "minutes": float,
        "samples": [{"t_s": float, "network_ms": float, "latency_ms": float, "fps": float}],
        "summary": {
            "network_ms_p50": float,
            "network_ms_p95": float,
            "latency_ms_p50": float,  # of a frame, from the camera to the screen
            "latency_ms_p95": float,
            "fps": float,
        },
    },
    "video/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int, "cores": int, "load": float},
        "input": str,
        "rounds": int,
        "models": [
            {
                "name": str,
                "stages": [{"name": str, "frames_per_second": float, "cpu_ms": float}],  # each alone
                "frames_per_second": float,  # all together, as the rest of the row
                "cpu_ms": float,
                "slowest": str,
                "share": float,  # of the slowest stage's frames_per_second
                "real_time": float,
            }
        ],
        "profile": [{"name": str, "calls": int, "ms": float}],  # a frame
        "edges": [
            {"name": str, "pictures": int, "mad": float, "edge_mad": float, "cpu_ms": float}
        ],  # MAD x1000
    },
    "browser/1": {  # app/scripts/measure-runtimes.mjs
        "schema": str,
        "date": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "browser": str,
        "csp": str,
        "rounds": int,
        "runtimes": [
            {
                "runtime": str,
                "model": str,
                "version": str,
                "backend": str,
                "threads": int,
                "error": str,
                "load_bytes": int,  # runtime, glue and model
                "load_gzip_bytes": int,
                "load_ms": float,
                "ms_p50": float,
                "ms_p95": float,
                "ms_best": float,
                "max_difference": float,  # of alpha, to the first
            }
        ],
        "csp_reports": int,
    },
}
