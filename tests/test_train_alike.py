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
from fastportrait.train import train
from fastportrait.train.batches import Steps, generator, part_of
from shards import write_data

# SGD, for AdamW makes whole steps of what rounding leaves of a gradient of zero.
RECIPE = """
network = "small"
steps = 2
batch = 4
size = [64, 64]
score_size = [64, 64]
optimiser = "sgd"
schedule = "poly"
lr = 0.05
warmup = 1
validate_every = 2
freeze_norms = true
augment = { paste = 0.3, several = 0.2, crop = 1, turn = 0.4, flip = 0.5, light = 0.6, noise = 0.2 }
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


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no torch.distributed")
def test_two_processes_give_the_weights_that_one_gives(tmp_path):
    """Over gloo; that a step's two halves really go to two processes is what `--devices 2` says."""
    data, recipe = write_data(tmp_path / "data"), tmp_path / "r.toml"
    recipe.write_text(RECIPE)
    command = [sys.executable, "-W", "ignore", "-m", "fastportrait", "train", str(recipe), "--device", "cpu"]
    command += [
        "--precision",
        "32-true",
        "--data",
        str(data),
        "--out",
        str(tmp_path / "two"),
        "--devices",
        "2",
    ]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stderr  # Lightning's own line, once all have found each other
    one = load_file(
        train(recipe, data, tmp_path / "one", accelerator="cpu", precision="32-true", progress=False)
    )
    two = load_file(tmp_path / "two" / "small.safetensors")
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-5)
