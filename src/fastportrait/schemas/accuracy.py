"""How right masks are: of files on pictures, of choices made on them, of networks while they train."""

from typing import Any

from .parts import SCORE, Maybe

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
KIND = {"pictures": int, "iou": float, "boundary_iou": float}
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
    "harm/1": {
        "schema": str,
        "split": str,
        "shards": {"*": str},  # SHA-256
        "models": [
            {
                "name": str,
                "sha256": str,
                "date": str,
                "commit": str,
                "runtime": str,
                "pictures": int,
                "rows": [  # "none" first, then each harm
                    {
                        "harm": str,
                        "iou": SCORE,
                        "iou_lost": SCORE,  # paired, against "none"
                        "boundary_iou": SCORE,
                        "boundary_iou_lost": SCORE,
                    }
                ],
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
    "shapes/1": {
        "schema": str,
        "split": str,
        "networks": [
            {
                "name": str,
                "sha256": str,
                "date": str,
                "commit": str,
                "shards": {"*": str},
                "rows": [
                    {
                        "shape": str,  # height x width
                        "macs": int,
                        "all": KIND,
                        "wide": Maybe(KIND),
                        "tall": Maybe(KIND),
                    }
                ],
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
}
