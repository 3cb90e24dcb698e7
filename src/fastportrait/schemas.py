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
}
