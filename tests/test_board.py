"""A board: one recipe, many networks, one after the other; and what is said of those that are trained."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastportrait import results
from fastportrait.cli import main
from fastportrait.data.made import write_sample
from fastportrait.nets import MODULES
from fastportrait.nets.weights import read_about
from fastportrait.recipe import Recipe
from fastportrait.report.board import COSTS, RECIPE, Row
from fastportrait.report.board import rows as board_rows
from fastportrait.train import board
from fastportrait.weights import list_networks

ROOT = Path(__file__).parents[1]
BOARD = ROOT / RECIPE
QUICK = "fastdeepmatting"
"""The network of the board with the fewest layers: training and converting it takes least."""
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
    first = run(short, tmp_path, "--only", f"espnet-q3,{QUICK}", "--limit-steps", "2")
    assert first.exit_code == 0, first.output
    assert re.search(r"^\[1/2\] espnet-q3: 2 steps, .* images/s .*; val: iou ", first.output, re.MULTILINE)
    assert re.search(rf"^\[2/2\] {QUICK}: 2 steps", first.output, re.MULTILINE)
    weights = tmp_path / "out" / QUICK / f"{QUICK}.safetensors"
    assert read_about(weights).data == ("figures",)
    record = results.read(weights.with_suffix(".json"))
    assert (record["network"], record["seed"], record["steps"], record["epochs"]) == (QUICK, 0, 2, 6.0)
    written = weights.stat().st_mtime_ns
    again = run(short, tmp_path, "--only", QUICK, "--limit-steps", "2")
    assert f"[1/1] {QUICK}: {weights} is there, skipped" in again.output
    assert weights.stat().st_mtime_ns == written
    assert "loading" not in again.output
    shutil.rmtree(tmp_path / "out" / "espnet-q3")
    taken_into_a_checkout(tmp_path)


def taken_into_a_checkout(folder):
    """The board's results, made from the runs in `folder`, and the rows that tables and plots are made of."""
    root = folder / "checkout"
    for path in (RECIPE, COSTS):
        (root / path).parent.mkdir(parents=True)
        shutil.copy(ROOT / path, root / path)
    words = [sys.executable, "-W", "ignore", ROOT / "scripts" / "board.py", folder / "out", "--root", root]
    words += ["--data", folder / "data", "--log", folder / "log.md", "--no-documents"]
    (folder / "log.md").write_text("# Log\n\n- older\n")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    half = root / "weights" / f"{QUICK}.safetensors"
    assert half.stat().st_size < 0.6 * (folder / "out" / QUICK / f"{QUICK}.safetensors").stat().st_size
    result = results.read(root / f"results/accuracy/board/{QUICK}-test.json")
    assert result["model"]["sha256"] == results.sha256(half)
    assert f": {QUICK} on `test` ({result['data']['pictures']} pictures)" in (folder / "log.md").read_text()
    first, *rest = board_rows(root)
    assert (first.name, first.trained, len(rest)) == (QUICK, True, len(Recipe.read_board(BOARD)) - 1)
    assert first.score("test", "iou") == result["scores"]["iou"]["value"]
    assert [row.macs for row in rest] == sorted(row.macs for row in rest)


def test_several_seeds_are_one_row_with_their_spread():
    def scores(value):
        return {"iou": {"value": value, "low": value, "high": value}}

    row = Row("small", scores={"val": [scores(0.8), scores(0.83), scores(0.77)], "test": [scores(0.9)]})
    assert row.score("val", "iou") == pytest.approx(0.8)
    assert row.spread("val", "iou") == pytest.approx(0.06)
    assert math.isnan(row.spread("test", "iou"))
    assert not Row("small").trained


def test_a_network_that_fails_does_not_keep_the_next_from_its_turn(short, tmp_path, monkeypatch):
    def fit(recipe, *others):
        if recipe.network == "sinet":
            raise ValueError("the loss is nan at step 1: lower lr or clip")
        return board_fit(recipe, *others)

    board_fit = board.fit
    monkeypatch.setattr(board, "fit", fit)
    done = run(short, tmp_path, "--only", f"sinet,{QUICK}", "--limit-steps", "1")
    assert "[1/2] sinet: failed: the loss is nan at step 1" in done.output
    assert f"[2/2] {QUICK}: 1 steps" in done.output
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
