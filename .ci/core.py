"""What must hold of the core install after `scripts/demo`: .venv-demo/bin/python .ci/core.py"""

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

import fastportrait

ROOT = Path(__file__).resolve().parents[1]

heavy = [name for name in ("torch", "torchvision", "kornia", "onnx") if importlib.util.find_spec(name)]
assert not heavy, f"the core install brought {heavy}"
home = Path(fastportrait.__file__).resolve()
assert ROOT / "src" not in home.parents, f"{home}: the demo must run the installed wheel, not the sources"

with Image.open(ROOT / "out/demo/transparent/astronaut.png") as cutout:
    alpha = np.asarray(cutout.convert("RGBA"))[..., 3] / 255
assert alpha.shape == (512, 512), alpha.shape
assert 0.35 < alpha.mean() < 0.75, f"{alpha.mean():.0%} of the demo portrait is person"
assert alpha[200:500, 120:300].mean() > 0.9, "her suit is not person"
assert alpha[:140, 320:].mean() < 0.1, "the wall and the model shuttle are person"
