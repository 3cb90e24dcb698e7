"""A board: one recipe, many networks, one after the other; and what is said of those that are trained."""

import math
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastportrait import results
from fastportrait.cli import main
from fastportrait.data.made import write_sample
from fastportrait.nets import MODULES
from fastportrait.nets.weights import read_about
from fastportrait.recipe import Recipe
from fastportrait.train import board
from fastportrait.weights import list_networks

BOARD = Path(__file__).parents[1] / "recipes" / "leaderboard.toml"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs


def run(recipe, folder, *options):
    words = [
        "train",
        str(recipe),
        "--data",
        str(folder / "data"),
        "--device",
        "cpu",
        "--out",
        str(folder / "out"),
    ]
    return CliRunner().invoke(main, [*words, *options])


@pytest.fixture
def short(tmp_path):
    """The board as it is, at 64 x 64 pixels, and drawn figures to train it on."""
    write_sample(tmp_path / "data", count=4, side=64)
    path = tmp_path / "leaderboard.toml"
    path.write_text(BOARD.read_text().replace("[256, 256]", "[64, 64]"))
    return path


def test_the_board_trains_on_figures_that_the_package_draws_and_skips_what_is_done(short, tmp_path):
    first = run(short, tmp_path, "--only", "small,enet", "--limit-steps", "2", "--seed", "3")
    assert first.exit_code == 0, first.output
    assert re.search(r"^\[1/2\] small: 2 steps, .* images/s .*; val: iou ", first.output, re.MULTILINE)
    assert re.search(r"^\[2/2\] enet: 2 steps", first.output, re.MULTILINE)
    weights = tmp_path / "out" / "enet" / "enet.safetensors"
    assert read_about(weights).data == ("figures",)
    record = results.read(weights.with_suffix(".json"))
    assert (record["network"], record["seed"], record["steps"], record["epochs"]) == ("enet", 3, 2, 4.0)
    written = weights.stat().st_mtime_ns
    again = run(short, tmp_path, "--only", "enet", "--limit-steps", "2", "--seed", "3")
    assert f"[1/1] enet: {weights} is there, skipped" in again.output
    assert weights.stat().st_mtime_ns == written
    assert "loading" not in again.output


def test_a_network_that_fails_does_not_keep_the_next_from_its_turn(short, tmp_path, monkeypatch):
    def fit(recipe, *others):
        if recipe.network == "sinet":
            raise ValueError("the loss is nan at step 1: lower lr or clip")
        return board_fit(recipe, *others)

    board_fit = board.fit
    monkeypatch.setattr(board, "fit", fit)
    done = run(short, tmp_path, "--only", "sinet,small", "--limit-steps", "1")
    assert "[1/2] sinet: failed: the loss is nan at step 1" in done.output
    assert "[2/2] small: 1 steps" in done.output
    assert done.output.endswith("Error: 1 of 2 could not be trained: sinet\n")
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "enett"], "the board has no network 'enett': did you mean 'enet'?"),
        (["--devices", "2"], "a board trains on one device"),
    ],
)
def test_what_a_board_cannot_do_is_said_before_it_begins(tmp_path, options, message):
    (tmp_path / "data").mkdir()
    done = run(BOARD, tmp_path, *options)
    assert done.exit_code == 1
    assert message in done.output


def test_only_is_for_boards(tmp_path):
    (tmp_path / "data").mkdir()
    done = run(BOARD.with_name("small.toml"), tmp_path, "--only", "small")
    assert "--only is for a board" in done.output


def test_every_paper_of_the_zoo_is_on_the_board_the_cheapest_first():
    names = [recipe.network for recipe in Recipe.read_board(BOARD)]
    trained = [m for m in MODULES if m.CARDS]
    assert [m.__name__ for m in trained if not set(names) & {card.name for card in m.CARDS}] == []
    networks = {network["name"]: network for network in list_networks()}
    macs = [networks[n]["macs"] * 256**2 / math.prod(networks[n]["size"]) for n in names]
    dearest = 0.0
    for name, cost in zip(names, macs, strict=True):
        assert cost > 0.9 * dearest, name  # what pools globally does not grow with the picture
        dearest = max(dearest, cost)
