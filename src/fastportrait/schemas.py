"""What each kind of result file holds: the file with types in place of values.

`{"*": x}` is a mapping with any names, `[x]` a list with something in it.
"""

from typing import Any

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
MEASURED = {"schema": str, "date": str, "commit": str, "model": str, "sha256": str}
SCHEMAS: dict[str, Any] = {
    "accuracy/1": ACCURACY,
    "comparison/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "results": [ACCURACY],
        "differences": {"*": [DIFFERENCE]},  # by "ours - theirs"
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
    "cuts/1": {  # the share of a frame that is new in it
        **MEASURED,
        "threshold": float,
        "rows": [{"kind": str, "pairs": int, "called_cut": float, "*": float}],
    },
    "idle/1": {  # `error` and `worst`: of the mask in skipped frames
        **MEASURED,
        "rows": [{"clip": str, "frames": int, "skipped": float, "error": float, "worst": float}],
    },
    "latency/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "protocol": str,
        "rounds": int,
        "models": [
            {
                "name": str,
                "file": str,
                "sha256": str,
                "input": str,
                "runtime": str,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
                "ratio": float,  # of CPU time, to the first model
            }
        ],
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
}
