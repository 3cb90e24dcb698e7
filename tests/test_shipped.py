"""The model that ships: what its card promises, and that it cuts a real portrait out."""

import os
from pathlib import Path

import numpy as np
import pytest

import fastportrait
from fastportrait.media import images

PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.jpg"


@pytest.fixture(scope="module")
def small():
    return next(card for card in fastportrait.list_models() if card["name"] == "small")


def test_it_is_small_and_says_what_it_is(small):
    assert small["bytes"] <= 1_000_000
    for key in ("network", "size", "data", "terms", "recipe", "commit", "scores", "weights_sha256"):
        assert small[key], key
    assert not small["commit"].endswith("-dirty"), "trained from files that no commit holds"


def test_card_and_file_say_the_same(small):
    card = fastportrait.Segmenter("small").engine.card
    assert card == {key: value for key, value in small.items() if key in card}


def test_the_training_form_lies_beside_the_recipes(small):
    import hashlib

    weights = Path(__file__).parents[1] / "recipes" / "small.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == small["weights_sha256"]


def test_an_astronaut_is_cut_out_of_her_photo():
    frame = images.read(PORTRAIT).frame
    alpha = fastportrait.Segmenter()(frame)
    assert alpha.shape == frame.shape[:2]
    assert alpha[60:140, 190:260].mean() > 0.99  # her face
    assert alpha[320:500, 120:300].mean() > 0.97  # the suit
    assert alpha[:120, 330:].mean() < 0.03  # the shuttle's model and the wall
    assert alpha[:60, :120].mean() < 0.03


def test_a_mirrored_photo_gives_the_mirrored_mask():
    frame = images.read(PORTRAIT).frame
    segmenter = fastportrait.Segmenter()
    alpha, mirrored = segmenter(frame), segmenter(np.ascontiguousarray(frame[:, ::-1]))[:, ::-1]
    alpha, mirrored = alpha[:300], mirrored[:300]  # below she holds a helmet: anybody's guess
    both, either = ((alpha > 0.5) & (mirrored > 0.5)).sum(), ((alpha > 0.5) | (mirrored > 0.5)).sum()
    assert both / either > 0.97


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nobody_is_found_on_a_blank_wall(value):
    assert not fastportrait.Segmenter()(np.full((300, 400, 3), value, np.uint8)).any()


@pytest.mark.slow
@pytest.mark.skipif(
    "FASTPORTRAIT_DATA" not in os.environ, reason="FASTPORTRAIT_DATA names no folder of shards"
)
def test_its_scores_on_val_are_the_cards(small):
    from fastportrait.data.shards import data_folder, read
    from fastportrait.evaluate import evaluate

    measured = evaluate("small", fastportrait.Segmenter("small"), read(data_folder(), "val"))["scores"]
    assert 100 * measured["iou"]["value"] == pytest.approx(small["scores"]["val"]["iou"], abs=0.05)
    assert 100 * measured["boundary_iou"]["value"] == pytest.approx(
        small["scores"]["val"]["boundary_iou"], abs=0.1
    )
