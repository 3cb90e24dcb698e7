"""What a mask is worth, named with the variant of every number."""

from .bootstrap import difference, interval, percentile_5, share_interval
from .score import LABELS, SCORES, VARIANTS, number, score, score_empty, score_matte

__all__ = [
    "LABELS",
    "SCORES",
    "VARIANTS",
    "difference",
    "interval",
    "number",
    "percentile_5",
    "score",
    "score_empty",
    "score_matte",
    "share_interval",
]
