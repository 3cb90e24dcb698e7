"""The last rung of the int8 ladder: a recipe that trains weights on with the rounding in place.

Written beside a file that needs layers in float, ready for `fastportrait train`. The weights are their own
teacher, so that they keep what they know while they learn to bear the rounding.
"""

import json
import os
from pathlib import Path

from ..nets.weights import About
from .int8 import Rung, whole

TEXT = """# {name} trained on with the rounding of int8 in place, since {why}.
# Made by `fastportrait export`; recipes/small-int8.toml is one that was measured. Then export what it makes.
network = {network}
init = {weights}
teacher = {weights}
quantise_aware = true
steps = 300
batch = 8
size = [{height}, {width}]
score_size = [{height}, {width}]
lr = 1e-4
warmup = 30
ema = 0.98
validate_every = 150
losses = {{ mask = 1.0, boundary = 0.7, overlap = 0.5, distil = 1.0 }}
terms = {terms}
"""


def write_recipe(out: Path, weights: Path, about: About, rungs: list[Rung]) -> Path | None:
    """Writes `out`/NAME-int8.toml for the file `weights`, unless it is there or would not help: None then,
    where all layers are in 8 bits, or the weights were trained so already."""
    if not rungs or whole(rungs[-1]) or about.quantise_aware:
        return None
    path = out / f"{weights.stem}-int8.toml"
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        quoted = {"network": about.network, "weights": str(weights.resolve()), "terms": about.terms}
        text = TEXT.format(
            name=weights.stem,
            why=f"int8 holds only with {rungs[-1].name}",
            height=about.size[0],
            width=about.size[1],
            **{key: json.dumps(value) for key, value in quoted.items()},
        )
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    return path
