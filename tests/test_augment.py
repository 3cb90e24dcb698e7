import runpy
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fastportrait.data.amounts import STANDARD, Amounts
from fastportrait.data.augment import batch
from fastportrait.data.augment.chance import Chance, grain
from fastportrait.data.augment.compositing import clean, over
from fastportrait.data.augment.jpeg import compressed
from fastportrait.data.augment.occlusion import hands, things
from fastportrait.data.augment.photometry import like
from fastportrait.data.memory import load_portraits, load_scenes
from fastportrait.recipe import Recipe
from shards import SIDE, figure, write_data, write_shard

SOURCES = {"studio": 1.0, "web": 3.0}
OFF = Amounts()
OLD = {"empty": 0.0, "paste": 0.0, "several": 0.0, "hand": 0.0, "thing": 0.0, "like": 0.0}
# Steps that only say what others do, and pasting: the one source here with soft masks is always pasted.
DEPENDENT = {"clean", "match", "whole", "paste"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = write_data(tmp_path_factory.mktemp("data"))
    return load_portraits(folder, SOURCES), load_scenes(folder)


def drawn(pictures, seed=0, count=64, amounts=None, rows=slice(None), **steps):
    """A batch with the recipe's `amounts`, or the old set of steps without empty or pasted, and `steps`."""
    amounts = amounts or replace(STANDARD, **(OLD | steps))
    recipe = Recipe("small", 1, SOURCES, size=(64, 64), batch=count, augment=amounts)
    return batch(*pictures, recipe, torch.Generator().manual_seed(seed), rows)


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
    recipe = Recipe("small", 1, {"hand": 1.0}, size=(64, 64), batch=16, augment=replace(STANDARD, **OLD))
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


def test_nothing_named_nothing_changed_but_the_studios_background(pictures):
    portraits, _ = pictures
    made = drawn(pictures, amounts=OFF)
    which = portraits.pick(64, torch.Generator().manual_seed(0))
    web = ~portraits.composite[which]
    height, width = portraits.extent[0].int().tolist()
    seen = portraits.image[which, :, :height, :width].float() / 255
    small = torch.nn.functional.interpolate(seen, (64, 64), mode="bilinear")
    assert (made.image - small)[web].abs().max() < 0.01


@pytest.mark.parametrize("step", [f.name for f in fields(Amounts) if f.name not in DEPENDENT])
def test_each_step_alone_changes_pictures(pictures, step):
    plain, made = drawn(pictures, amounts=OFF), drawn(pictures, amounts=replace(OFF, **{step: 1.0}))
    assert not torch.equal(plain.image, made.image)
    assert all(value.isfinite().all() for value in made)
    assert made.image.min() >= 0
    assert made.image.max() <= 1


def test_switching_a_step_off_changes_nothing_that_the_others_do(pictures):
    """A hand in half of the pictures: the other half is the same to the bit."""
    without, made = drawn(pictures), drawn(pictures, hand=0.5)
    same = (without.image == made.image).flatten(1).all(1)
    assert 10 < same.sum() < 54
    assert torch.equal(without.alpha[same], made.alpha[same])


def test_two_halves_of_a_batch_are_the_whole_batch(pictures):
    whole = drawn(pictures, amounts=replace(STANDARD, several=0.5, hand=0.5, noise=0.5, jpeg=0.5))
    for rows in (slice(0, 32), slice(32, 64)):
        part = drawn(
            pictures, amounts=replace(STANDARD, several=0.5, hand=0.5, noise=0.5, jpeg=0.5), rows=rows
        )
        for a, b in zip(part, whole, strict=True):
            torch.testing.assert_close(a, b[rows], rtol=0, atol=1e-5)


def test_a_hand_belongs_to_the_person_and_a_thing_does_not(pictures):
    plain = drawn(pictures, amounts=OFF).alpha
    with_hand = drawn(pictures, amounts=replace(OFF, hand=1.0)).alpha
    with_thing = drawn(pictures, amounts=replace(OFF, thing=1.0)).alpha
    assert (with_hand >= plain - 1e-6).all()
    assert with_hand.mean() > plain.mean()
    assert (with_thing <= plain + 1e-6).all()
    assert with_thing.mean() < plain.mean()


def test_a_second_person_adds_to_the_mask_and_takes_nothing(pictures):
    plain = drawn(pictures, amounts=OFF).alpha
    made = drawn(pictures, amounts=replace(OFF, several=1.0)).alpha
    assert (made >= plain - 1e-6).all()
    assert made.mean() > 1.1 * plain.mean()


def test_nobody_means_nobody_whatever_else_is_on(pictures):
    every = Amounts(**{f.name: 1.0 for f in fields(Amounts)})
    made = drawn(pictures, amounts=every)
    assert made.alpha.max() == 0
    assert made.weight.min() == made.trust.min() == 1


def test_a_thing_before_a_polygons_edge_is_believed(tmp_path):
    image, alpha = figure(np.random.default_rng(0))
    meta = {"source": "hand", "mask": "polygon", "composite": False}
    write_shard(tmp_path / "train-000.tar", [("a", image, alpha, meta)])
    write_shard(tmp_path / "background-000.tar", [("b", np.zeros((SIDE, SIDE, 3), np.uint8), None, {})])
    pictures = load_portraits(tmp_path, {"hand": 1.0}), load_scenes(tmp_path)

    def ignored(**steps):
        recipe = Recipe("small", 1, {"hand": 1.0}, size=(64, 64), batch=16, augment=Amounts(**steps))
        return batch(*pictures, recipe, torch.Generator().manual_seed(0)).weight == 0

    band, rest = ignored(), ignored(thing=1.0)
    assert (band | ~rest).all()
    assert rest.sum() < band.sum()


@pytest.mark.parametrize("quality", [15, 40, 70])
def test_jpeg_looks_as_the_librarys_does(quality):
    """Nearer to OpenCV's file than that is to the picture; the rest is how colours are enlarged."""
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (12, 10, 3), np.uint8), (90, 70))
    done, file = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    theirs = cv2.imdecode(file, cv2.IMREAD_COLOR_RGB).astype(float)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    ours = compressed(tensor, torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(ours - theirs).mean() < 0.3 * np.abs(image - theirs).mean()


def test_a_flat_picture_survives_jpeg():
    grey = torch.full((1, 3, 20, 33), 0.5)
    assert (compressed(grey, torch.tensor([50.0])) - grey).abs().max() < 0.01


def test_grain_is_unit_normal_and_each_seeds_own():
    made = grain(torch.tensor([1, 2]), (3, 64, 64))
    assert made.mean().abs() < 0.02
    assert made.std() == pytest.approx(1, abs=0.02)
    assert torch.corrcoef(made.flatten(1))[0, 1].abs() < 0.03
    assert torch.equal(made[1:], grain(torch.tensor([2]), (3, 64, 64)))


def test_a_background_like_the_clothes_leaves_no_seam():
    """Red before blue with a half-mixed edge: the edge must be half of the red and half of the new colour."""
    alpha = torch.zeros(1, 1, 8, 9)
    alpha[..., 3], alpha[..., 4:] = 0.5, 1.0
    red, blue = torch.tensor([0.8, 0.2, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    image = over(red.view(1, 3, 1, 1), alpha, blue.view(1, 3, 1, 1))
    chance = Chance(0, "like", 1, slice(None), torch.device("cpu"))
    made = like(image, alpha, torch.tensor([True]), chance, 1.0)
    background, edge = made[0, :, 0, 0], made[0, :, 0, 3]
    assert (background - red).norm() < 0.5 * (blue - red).norm()
    torch.testing.assert_close(edge, (red + background) / 2)
    torch.testing.assert_close(made[0, :, 0, 6], red)


def test_a_clean_edge_has_the_persons_colour_not_the_old_backgrounds():
    """Black hair from a white studio: its half-transparent edge must not carry white to a dark scene."""
    alpha = torch.zeros(1, 1, 32, 32)
    alpha[..., 12:], alpha[..., 10:12] = 1.0, 0.5
    image = over(torch.zeros(1, 3, 1, 1), alpha, torch.ones(1, 3, 1, 1))
    assert image[0, 0, 16, 11] == 0.5
    cleaned = clean(image.clone(), alpha, torch.tensor([True]))
    assert cleaned[0, :, 16, 10:12].max() < 0.05
    torch.testing.assert_close(cleaned[..., 13:], image[..., 13:])


@pytest.mark.parametrize("made", [hands, things])
def test_shapes_lie_where_they_are_sent(made):
    chance = Chance(3, "x", 8, slice(None), torch.device("cpu"))
    colour, alpha = made(torch.Size((8, 3, 64, 48)), torch.full((8, 2), 0.5), chance, torch.arange(8) < 5)
    assert colour.shape == (5, 3, 64, 48)
    assert alpha.shape == (5, 1, 64, 48)
    assert (alpha.amax((1, 2, 3)) == 1).all()
    assert (alpha.mean((1, 2, 3)) < 0.5).all()


def test_the_page_of_steps_says_what_the_source_says():
    root = Path(__file__).parents[1]
    script = runpy.run_path(str(root / "scripts" / "augmentations.py"))
    page = (root / "docs" / "augmentation.md").read_text()
    assert page == script["BEFORE"] + script["table"]() + script["AFTER"], (
        "run python scripts/augmentations.py"
    )
