"""What a mask is worth, named with the variant of every number."""

from .bootstrap import difference, interval, percentile_5
from .score import SCORES, VARIANTS, score, score_empty, score_matte

__all__ = [
    "SCORES",
    "VARIANTS",
    "difference",
    "interval",
    "percentile_5",
    "score",
    "score_empty",
    "score_matte",
]
