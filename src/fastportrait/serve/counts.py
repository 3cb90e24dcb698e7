"""What a server has done, counted, and told in the text format that Prometheus reads."""

import threading
from collections import Counter

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: how many requests took at most so long is counted for each."""


class Counts:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._took: Counter[float] = Counter()
        self._seconds = 0.0
        self._done = 0

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request to `path` that was answered with `status`; only what was computed counts as time."""
        with self._lock:
            self._answers[path, status] += 1
            if status == 200:
                self._done += 1
                self._seconds += seconds
                self._took.update(bound for bound in BOUNDS if seconds <= bound)

    def text(self, inside: int) -> str:
        """`inside` is how many requests are being worked on or wait."""
        with self._lock:
            lines = ["# TYPE fastportrait_requests_total counter"]
            lines += [
                f'fastportrait_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._answers.items())
            ]
            lines += ["# TYPE fastportrait_seconds histogram"]
            lines += [f'fastportrait_seconds_bucket{{le="{bound}"}} {self._took[bound]}' for bound in BOUNDS]
            lines += [f'fastportrait_seconds_bucket{{le="+Inf"}} {self._done}']
            lines += [
                f"fastportrait_seconds_sum {self._seconds:.6f}",
                f"fastportrait_seconds_count {self._done}",
            ]
            lines += ["# TYPE fastportrait_inside gauge", f"fastportrait_inside {inside}"]
        return "\n".join(lines) + "\n"
