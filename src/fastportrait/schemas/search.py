"""Networks of a family: what their plans cost, and what a search found."""

from typing import Any

from .parts import PLAN, SPREAD

SCHEMAS: dict[str, Any] = {
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
}
