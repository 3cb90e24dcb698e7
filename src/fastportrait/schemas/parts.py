"""What several kinds of result files hold."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Maybe:
    of: Any


SCORE = {"value": float, "low": float, "high": float}
SPREAD = {"p5": float, "median": float, "p95": float}
MEASURED = {"schema": str, "date": str, "commit": str, "model": str, "sha256": str}
