"""Two processes train as one does: each draws, drops and judges what its part of the whole batch is."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from fastportrait.data.augment import batch
from fastportrait.data.memory import load_portraits, load_scenes
from fastportrait.recipe import Recipe
from fastportrait.train.batches import Steps, generator, part_of
from shards import write_data

# SGD, for AdamW makes whole steps of what rounding leaves of a gradient of zero.
RECIPE = """
network = "small"
steps = 3
batch = 4
size = [64, 64]
score_size = [64, 64]
optimiser = "sgd"
schedule = "poly"
lr = 0.05
warmup = 1
validate_every = 3
freeze_norms = true
losses = { mask = 1, boundary = 0.5, lovasz = 0.5, consistency = 1 }
sources = { studio = 1, web = 1 }
"""


def test_the_parts_of_a_batch_are_the_batch(tmp_path):
    data = write_data(tmp_path)
    recipe = Recipe("small", 3, {"studio": 1.0, "web": 1.0}, size=(64, 64), batch=6)
    pictures = load_portraits(data, recipe.sources), load_scenes(data)
    whole = batch(*pictures, recipe, generator(recipe, 2))
    parts = [next(iter(Steps(*pictures, recipe, 2, 3, part_of(6, rank, 3)))) for rank in range(3)]
    for value, *split in zip(whole, *parts, strict=True):
        assert torch.equal(value, torch.cat(split))


def run(folder, name, *options):
    command = [sys.executable, "-m", "fastportrait", "train", str(folder / "r.toml"), "--device", "cpu"]
    command += ["--data", str(folder / "data"), "--out", str(folder / name), *options]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return load_file(folder / name / "small.safetensors")


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no torch.distributed")
def test_two_processes_give_the_weights_that_one_gives(tmp_path):
    write_data(tmp_path / "data")
    (tmp_path / "r.toml").write_text(RECIPE)
    one, two = run(tmp_path, "one"), run(tmp_path, "two", "--devices", "2")
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)
