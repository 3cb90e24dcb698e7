"""docs/train-your-own.md, walked on a tiny set: its recipe, shortened, and its commands in their order."""

import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import main
from fastportrait.recipe import Recipe
from shards import figure, write_data

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "train-your-own.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
def test_the_newcomers_path_leads_from_pictures_to_a_file_for_phones(tmp_path, monkeypatch):
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2)):
        for kind in ("images", "masks"):
            Path("photos", kind, split).mkdir(parents=True)
        for i in range(count):
            image, alpha = figure(random)
            cv2.imwrite(f"photos/images/{split}/{i}.jpg", image[..., ::-1])
            cv2.imwrite(f"photos/masks/{split}/{i}.png", alpha)
    write_data(tmp_path / "other")
    Path("shards").mkdir()
    shutil.copy("other/background-000.tar", "shards")
    cv2.imwrite("photo.jpg", figure(random)[0][..., ::-1])
    (recipe,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for key, value in (("steps", 2), ("batch", 2), ("validate_every", 2), ("size", [64, 64])):
        recipe = re.sub(rf"^{key} = .*$", f"{key} = {value}", recipe, flags=re.MULTILINE)
    Path("mine.toml").write_text(recipe)
    shutil.copy(ROOT / "recipes" / "small.safetensors", tmp_path)
    assert Recipe.read(Path("mine.toml")).steps == 2
    commands = re.findall(r"^fastportrait (.*)$", PAGE, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["data", "data", "train", "cut", "export", "cut"]
    for line in commands:
        more = ["--device", "cpu"] if line.startswith("train") else []
        done = CliRunner().invoke(main, [*shlex.split(line), *more])
        assert done.exit_code == 0, (line, done.output)
    assert Path("phone/small.onnx").stat().st_size > 10_000
