"""docs/train-your-own.md, walked on a tiny set: its recipe, shortened, and its commands in their order."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import main
from fastportrait.recipe import Recipe
from shards import figure, write_data, write_shard

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "train-your-own.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
def test_the_newcomers_path_leads_from_pictures_to_a_file_for_phones(tmp_path, monkeypatch):
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path / "shards")
    random = np.random.default_rng(0)
    meta = {"source": "mine", "mask": "binary", "composite": False}
    write_shard(tmp_path / "shards" / "train-000.tar", [(f"m{i}", *figure(random), meta) for i in range(4)])
    cv2.imwrite("photo.jpg", figure(random)[0][..., ::-1])
    (recipe,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for key, value in (("steps", 2), ("batch", 2), ("validate_every", 2), ("size", [64, 64])):
        recipe = re.sub(rf"^{key} = .*$", f"{key} = {value}", recipe, flags=re.MULTILINE)
    Path("mine.toml").write_text(recipe)
    shutil.copy(ROOT / "recipes" / "small.safetensors", tmp_path)
    assert Recipe.read(Path("mine.toml")).steps == 2
    commands = re.findall(r"^fastportrait (.*)$", PAGE, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["train", "cut", "export", "cut"]
    for line in commands:
        more = ["--device", "cpu"] if line.startswith("train") else []
        done = CliRunner().invoke(main, [*line.split(), *more])
        assert done.exit_code == 0, (line, done.output)
    assert Path("phone/small.onnx").stat().st_size > 10_000
