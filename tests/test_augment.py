import numpy as np
import pytest
import torch

from fastportrait.data.augment import batch
from fastportrait.data.memory import load_portraits, load_scenes
from fastportrait.recipe import Recipe
from shards import SIDE, figure, write_data, write_shard

SOURCES = {"studio": 1.0, "web": 3.0}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = write_data(tmp_path_factory.mktemp("data"))
    return load_portraits(folder, SOURCES), load_scenes(folder)


def drawn(pictures, seed=0, count=64, empty=0.0, paste=0.0):
    recipe = Recipe("small", 1, SOURCES, size=(64, 64), batch=count, empty=empty, paste=paste)
    return batch(*pictures, recipe, torch.Generator().manual_seed(seed))


def test_a_batch_is_a_function_of_its_seed(pictures):
    once, again, other = drawn(pictures, 1), drawn(pictures, 1), drawn(pictures, 2)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert not torch.equal(once.image, other.image)


def test_shapes_and_ranges(pictures):
    made = drawn(pictures, empty=0.1, paste=0.5)
    assert made.image.shape == (64, 3, 64, 64)
    assert made.alpha.shape == made.weight.shape == (64, 1, 64, 64)
    for value in made:
        assert value.min() >= 0
        assert value.max() <= 1


def test_alpha_stays_on_the_figure_through_crops_turns_and_new_backgrounds(pictures):
    """The figures are warm and light, all backgrounds dark: where alpha is 1 the picture must be lighter."""
    made = drawn(pictures, paste=0.5)
    light = made.image.amax(1, keepdim=True)
    inside, outside = made.alpha > 0.95, made.alpha < 0.05
    pairs = [
        (light[i][inside[i]].mean(), light[i][outside[i]].mean())
        for i in range(64)
        if inside[i].sum() > 50 and outside[i].sum() > 50
    ]
    assert len(pairs) > 40
    assert sum(figure > scene for figure, scene in pairs) >= 0.95 * len(pairs)


def test_pictures_without_people_have_empty_masks(pictures):
    made = drawn(pictures, empty=1.0)
    assert made.alpha.max() == 0
    assert made.weight.min() == 1


def test_sources_are_drawn_as_often_as_the_recipe_says(pictures):
    portraits, _ = pictures
    picked = portraits.pick(4000, torch.Generator().manual_seed(0))
    assert portraits.composite[picked].float().mean() == pytest.approx(0.25, abs=0.03)


def test_a_polygons_edge_is_ignored_and_nothing_else(tmp_path):
    image, alpha = figure(np.random.default_rng(0))
    meta = {"source": "hand", "mask": "polygon", "composite": False}
    write_shard(tmp_path / "train-000.tar", [("a", image, alpha, meta)])
    write_shard(tmp_path / "background-000.tar", [("b", np.zeros((SIDE, SIDE, 3), np.uint8), None, {})])
    recipe = Recipe("small", 1, {"hand": 1.0}, size=(64, 64), batch=16, empty=0.0)
    pictures = load_portraits(tmp_path, recipe.sources), load_scenes(tmp_path)
    made = batch(*pictures, recipe, torch.Generator().manual_seed(0))
    edge = (made.alpha > 0.3) & (made.alpha < 0.7)
    assert edge.any()
    assert made.weight[edge].max() == 0
    assert made.weight.mean() > 0.5


def test_sources_that_differ_from_the_recipes_are_named(pictures, tmp_path):
    folder = write_data(tmp_path)
    with pytest.raises(ValueError, match="studio, web; `sources` differs in studio"):
        load_portraits(folder, {"web": 1.0})
