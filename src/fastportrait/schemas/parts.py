"""What several kinds of result files hold."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Maybe:
    of: Any


SCORE = {"value": float, "low": float, "high": float}
SPREAD = {"p5": float, "median": float, "p95": float}
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
