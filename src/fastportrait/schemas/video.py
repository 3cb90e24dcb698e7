"""Masks over time, and videos cut out."""

from typing import Any

from .parts import MEASURED

SCHEMAS: dict[str, Any] = {
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
