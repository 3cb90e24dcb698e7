"""Two processes train as one does: each draws, drops and judges what its part of the whole batch is."""

import os
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from fastportrait.data.augment import batch
from fastportrait.data.memory import load_portraits, load_scenes
from fastportrait.nets import ZOO
from fastportrait.nets.weights import About, save
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
QUANTISE_AWARE = """
init = "first.safetensors"
quantise_aware = true
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
@pytest.mark.parametrize("more", ["", pytest.param(QUANTISE_AWARE, marks=pytest.mark.slow)])
def test_two_processes_give_the_weights_that_one_gives(more, tmp_path):
    """Over gloo, started side by side as torchrun does; batch norms stand still."""
    data, recipe = write_data(tmp_path / "data"), tmp_path / "r.toml"
    recipe.write_text(RECIPE + more)
    torch.manual_seed(0)
    save(ZOO["small"].build(), About("small", (64, 64)), tmp_path / "first.safetensors")
    port = free()
    two = [start(recipe, data, tmp_path / "two", rank, port) for rank in range(2)]
    said = [process.communicate(timeout=600)[1] for process in two]
    assert [process.returncode for process in two] == [0, 0], said
    assert all(f"GLOBAL_RANK: {rank}, MEMBER: {rank + 1}/2" in said[rank] for rank in range(2)), said
    alone = train(recipe, data, tmp_path / "one", accelerator="cpu", precision="32-true", progress=False)
    one, other = load_file(alone), load_file(tmp_path / "two" / "small.safetensors")
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-5)


def start(recipe, data, out, rank, port):
    command = [sys.executable, "-W", "ignore", "-m", "fastportrait", "train", str(recipe), "--device", "cpu"]
    command += ["--devices", "2", "--precision", "32-true", "--data", str(data), "--out", str(out)]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank), "NODE_RANK": "0"}
    environment = os.environ | place | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def free():
    """A port that nobody listens on."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]
