"""What each kind of result file holds: the file with types in place of values.

`{"*": x}` is a mapping with any names, `[x]` a list with something in it, `Maybe(x)` null where not known.
"""

from typing import Any

from . import accuracy, export, latency, search, video
from .parts import Maybe

__all__ = ["SCHEMAS", "Maybe"]

SCHEMAS: dict[str, Any] = accuracy.SCHEMAS | latency.SCHEMAS | video.SCHEMAS | export.SCHEMAS | search.SCHEMAS
