"""Training on figures made here: it learns them, and a run that was killed goes on as if it had not been."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from fastportrait.cli import main
from fastportrait.data.shards import read
from fastportrait.evaluate import evaluate
from fastportrait.nets.weights import network_card
from fastportrait.recipe import Recipe, is_board
from fastportrait.segmenter import Segmenter
from fastportrait.train import averaged, train
from shards import write_data

RECIPES = [
    path for path in sorted((Path(__file__).parents[1] / "recipes").glob("*.toml")) if not is_board(path)
]
RECIPE = """# A test.
network = "small"
steps = {steps}
batch = 8
size = [64, 64]
score_size = [64, 64]
lr = 4e-3
warmup = 5
ema = 0.9
validate_every = {every}
sources = {{ studio = 1, web = 1 }}
"""


AUGMENT = (
    "augment = { paste = 0.3, several = 0.2, crop = 1, turn = 0.4, flip = 0.5, light = 0.6, noise = 0.2 }\n"
)


@pytest.fixture
def one_thread():
    """What is added up in another order may round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_recipe(folder, steps, every, more=""):
    path = folder / "tiny.toml"
    path.write_text(RECIPE.format(steps=steps, every=every) + more)
    return path


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """The made figures, and a network's weights after sixty steps on them."""
    folder = tmp_path_factory.mktemp("taught")
    data = write_data(folder / "data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Lightning's advice on loaders and logs
        recipe = write_recipe(folder, 60, 60)
        return data, train(recipe, data, folder / "run", accelerator="cpu", progress=False)


def test_a_network_learns_figures_and_its_weights_run(taught):
    data, weights = taught
    result = evaluate("tiny", Segmenter(weights), read(data, "train"))
    assert result["scores"]["iou"]["value"] > 0.85


def test_a_young_average_has_forgotten_its_random_start():
    average = torch.tensor(100.0)
    for count in range(60):
        average = averaged(0.998, average, torch.tensor(1.0), count)
    assert average == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("losses = { mask = 1, distil = 1 }", "no loss ['distil'], only mask, "),
        ('init = "none.safetensors"', "none.safetensors: no file of weights there"),
        ("size = [50, 50]", "needs multiples of 32"),
    ],
)
def test_a_recipe_that_cannot_run_is_one_clear_line(tmp_path, more, message):
    data = write_data(tmp_path / "data")
    text = RECIPE.format(steps=1, every=1)
    text = text.replace("size = [64, 64]\nscore", "score") if more.startswith("size") else text
    path = tmp_path / "tiny.toml"
    path.write_text(text + more + "\n")
    done = CliRunner().invoke(main, ["train", str(path), "--data", str(data), "--out", str(tmp_path / "run")])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert message in done.output


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
@pytest.mark.parametrize(
    "network",  # the first drops channels, the second draws decisions
    ["enet", *(pytest.param(name, marks=pytest.mark.slow) for name in ("skipnet", "small"))],
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(network, tmp_path, one_thread):
    """kill -9 after the first checkpoint, the same again: the weights of a run left alone, bit for bit."""
    data = write_data(tmp_path / "data")
    recipe = write_recipe(tmp_path, 6, 2, AUGMENT)
    recipe.write_text(recipe.read_text().replace('"small"', f'"{network}"').replace("batch = 8", "batch = 2"))
    command = [sys.executable, "-W", "ignore", "-m", "fastportrait", "train", str(recipe), "--device", "cpu"]
    command += ["--data", str(data), "--out", str(tmp_path / "killed"), "--precision", "32-true"]
    killed = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    while not (tmp_path / "killed" / "last.ckpt").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / f"{network}.safetensors").exists()
    done = torch.load(tmp_path / "killed" / "last.ckpt", weights_only=False)["global_step"]
    assert 0 < done < 6
    whole, resumed = (
        load_file(
            train(recipe, data, tmp_path / name, accelerator="cpu", precision="32-true", progress=False)
        )
        for name in ("whole", "killed")
    )
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
def test_a_student_learns_from_its_teachers_masks_alone(taught, tmp_path):
    """With no weight on the labels, only the teacher can say where the figures are."""
    data, weights = taught
    shutil.copy(weights, tmp_path / "teacher.safetensors")
    more = 'teacher = "teacher.safetensors"\nlosses = { distil = 1 }\n'
    recipe = write_recipe(tmp_path, 60, 60).read_text()
    (tmp_path / "student.toml").write_text(recipe.replace("\nsources", "\n" + more + "sources"))
    student = train(tmp_path / "student.toml", data, tmp_path / "s", accelerator="cpu", progress=False)
    result = evaluate("student", Segmenter(student), read(data, "train"))
    assert result["scores"]["iou"]["value"] > 0.75


def shortened(recipe, folder):
    """`recipe` for two steps on the made figures; what it starts from, as far as a recipe makes that."""
    size = list(network_card(recipe.network, recipe.plan, recipe.score_size).smallest)
    keys = {"network": recipe.network, "steps": 2, "batch": 2, "size": size, "score_size": size}
    keys |= {"warmup": 1, "validate_every": 2, "trunk_lr": recipe.trunk_lr}
    keys["quantise_aware"] = recipe.quantise_aware
    if (folder / recipe.init).is_file():
        keys["init"] = recipe.init
    lines = [f"{name} = {json.dumps(value)}" for name, value in keys.items()]
    if recipe.plan:
        lines += [f"plan.{name} = {json.dumps(value)}" for name, value in recipe.plan.items()]
    losses = ", ".join(f"{name} = {value}" for name, value in recipe.losses.items() if name != "distil")
    return "\n".join([*lines, f"losses = {{ {losses} }}", "sources = { studio = 1, web = 1 }"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_every_recipe_trains_after_those_that_it_starts_from(path, tmp_path):
    data, stages = write_data(tmp_path / "data"), [path]
    while (before := path.with_name(Path(Recipe.read(stages[0]).init).stem + ".toml")).is_file():
        stages.insert(0, before)
    for stage in stages:
        recipe = Recipe.read(stage)
        short = tmp_path / stage.name
        short.write_text(shortened(recipe, tmp_path))
        weights = train(short, data, tmp_path / "run" / stage.stem, accelerator="cpu", progress=False)
        weights.rename(tmp_path / f"{stage.stem}.safetensors")
    frame = next(read(data, "val")).image
    assert Segmenter(tmp_path / f"{path.stem}.safetensors")(frame).shape == frame.shape[:2]
