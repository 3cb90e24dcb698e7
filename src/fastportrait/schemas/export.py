"""Exported files: whether they give what PyTorch gives, and what 8 bits cost."""

from typing import Any

SCHEMAS: dict[str, Any] = {
    "int8/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "models": [{"name": str, "sha256": str, "quantise_aware": bool}],
        "calibration": int,  # pictures of train
        "judged_on": int,  # pictures of val
        "allowed": {"*": float},
        "rungs": [
            {
                "weights": str,  # a model's name
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
            {
                "weights": str,
                "format": str,
                "file": str,
                "bytes": int,
                "iou": float,
                "boundary_iou": float,
                "mad": float,
            }
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
}
