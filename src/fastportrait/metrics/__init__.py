"""What a mask is worth, named with the variant of every number."""

from .bootstrap import difference, interval, paired, percentile_5, share_interval, verdict
from .score import LABELS, MORE_IS_BETTER, SCORES, VARIANTS, number, score, score_empty, score_matte

__all__ = [
    "LABELS",
    "MORE_IS_BETTER",
    "SCORES",
    "VARIANTS",
    "difference",
    "interval",
    "number",
    "paired",
    "percentile_5",
    "score",
    "score_empty",
    "score_matte",
    "share_interval",
    "verdict",
]
