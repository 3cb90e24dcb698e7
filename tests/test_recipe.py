import re
from dataclasses import replace
from pathlib import Path

import pytest

from fastportrait.data.amounts import STANDARD, Amounts
from fastportrait.recipe import Recipe, is_board

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))
GOOD = 'network = "small"\nsteps = 3\nsources = { web = 1 }\n'


def write(folder, text):
    path = folder / "r.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "batches = 3\n", "unknown key 'batches', did you mean 'batch'?"),
        (GOOD + "zzz = 3\n", "unknown key 'zzz', known keys: network"),
        ('network = "small"\nsources = { web = 1 }\n', "the key 'steps' is missing"),
        (GOOD + 'batch = "4"\n', "batch must be int, not '4'"),
        (GOOD + "size = [64]\n", "size must be tuple[int, int], not [64]"),
        (GOOD + 'schedule = "step"\n', "schedule must be one of cosine, poly, not 'step'"),
        (GOOD + "lr = true\n", "lr must be float, not True"),
        (GOOD + "whole = 0.6\n", "'whole' stands in a table: augment = { whole = 0.6 }"),
        (GOOD + "augment = { jepg = 0.2 }\n", "augment has no step 'jepg', did you mean 'jpeg'?"),
        (GOOD + "augment = { jpeg = 2 }\n", "jpeg in augment must lie between 0 and 1, not 2"),
        (GOOD + "augment = 0.5\n", "augment must be Amounts, not 0.5"),
        ("steps = \n", "Invalid value"),
    ],
)
def test_a_wrong_recipe_is_named_and_corrected(tmp_path, text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Recipe.read(write(tmp_path, text))


def test_whole_numbers_will_do_where_fractions_are_meant(tmp_path):
    recipe = Recipe.read(write(tmp_path, GOOD + "lr = 1\nsize = [64, 96]\n"))
    assert recipe.lr == 1.0
    assert recipe.size == (64, 96)
    assert recipe.sources == {"web": 1.0}


def test_a_table_of_steps_is_complete(tmp_path):
    recipe = Recipe.read(write(tmp_path, GOOD + "augment = { jpeg = 1, flip = 0.5 }\n"))
    assert recipe.augment == Amounts(jpeg=1.0, flip=0.5)
    assert Recipe.read(write(tmp_path, GOOD)).augment == STANDARD


def test_a_board_is_one_recipe_for_each_of_its_networks(tmp_path):
    path = write(tmp_path, GOOD.replace('"small"', '["small", "enet"]'))
    assert is_board(path)
    small, enet = Recipe.read_board(path)
    assert (small.network, enet.network) == ("small", "enet")
    assert replace(enet, network="small") == small
    with pytest.raises(ValueError, match="enet: named twice"):
        Recipe.read_board(write(tmp_path, GOOD.replace('"small"', '["enet", "enet"]')))
    with pytest.raises(ValueError, match="trains one network"):
        Recipe.read_board(write(tmp_path, GOOD))


def test_fewer_steps_are_a_schedule_of_their_own(tmp_path):
    long = Recipe.read(write(tmp_path, GOOD.replace("steps = 3", "steps = 1000")))
    short = long.changed(seed=4, limit_steps=50)
    assert (short.steps, short.warmup, short.validate_every, short.seed) == (50, 5, 50, 4)
    assert long.changed(limit_steps=5000) == long


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_can_be_read_and_says_what_it_is_for(path):
    torch = pytest.importorskip("torch")
    from fastportrait.losses import LOSSES
    from fastportrait.nets import ZOO
    from fastportrait.nets.weights import PLANNED, network_card

    assert path.read_text().startswith("# ")
    if is_board(path):  # what it weighs, every network has
        recipes = Recipe.read_board(path)
        assert {recipe.network for recipe in recipes} <= ZOO.keys()
        assert recipes[0].losses.keys() <= LOSSES.keys()
        return
    recipe = Recipe.read(path)
    if recipe.network == PLANNED and not recipe.plan:  # its plan comes with the weights it starts from
        outputs = {"mask": None}
        assert recipe.init
    else:
        with torch.device("meta"):
            net = network_card(recipe.network, recipe.plan, recipe.score_size).build()
            outputs = net.outputs(torch.empty(2, 3, *recipe.size))
    assert recipe.losses.keys() <= LOSSES.keys() | outputs.keys() | {"distil", "features", "consistency"}
