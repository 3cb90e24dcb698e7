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
}
