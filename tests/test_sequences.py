"""Sequences made of stills: exact, repeatable, and hard only for a mask that is not steady."""

import numpy as np
import pytest

from fastportrait.bench.sequences import PERIOD, sequence, sequences, spread
from fastportrait.data.shards import Sample
from fastportrait.evaluate import evaluate_motion
from fastportrait.metrics.slices import kinds
from shards import SIDE, figure, write_data, write_shard

SCENE = np.full((50, 60, 3), 40, np.uint8)


def still(seed=0):
    image, alpha = figure(np.random.default_rng(seed))
    return Sample("still", image, alpha, {"source": "drawn"})


def made(frames=6, seed=0):
    return sequence(still(), SCENE, frames, np.random.default_rng(seed))


def test_a_sequence_is_a_function_of_its_seed():
    ours, again, other = made(), made(), made(seed=1)
    np.testing.assert_array_equal(ours.frames, again.frames)
    np.testing.assert_array_equal(ours.alphas, again.alphas)
    assert (ours.alphas != other.alphas).any()
    assert ours.frames.shape == (6, SIDE, SIDE, 3)


def test_the_person_lies_where_its_place_says():
    row = still()
    for alpha, place in zip(made().alphas, made().places, strict=True):
        y, x = (int(v) for v in np.argwhere(row.alpha == 255).mean(axis=0))
        right, down = place @ [x, y, 1]
        assert alpha[round(down), round(right)] == 1
        assert abs(right - x) + abs(down - y) > 0.01  # and it moves


def test_the_frames_are_the_person_over_the_scene_by_its_alpha():
    one = made()
    behind = np.full_like(one.frames[0], 40, dtype=np.float32)
    outside, inside = one.alphas[0] == 0, one.alphas[0] > 0.99
    assert np.abs(one.frames[0][outside] - behind[outside]).mean() < 3  # the grain alone
    assert one.frames[0][inside][:, 0].mean() > 150  # the figure's warm colour


def test_a_person_cut_off_by_the_still_goes_on_below_it():
    alphas = made(PERIOD).alphas
    assert (alphas[:, -1].max(axis=1) == 1).all()


def test_colours_of_the_person_reach_past_its_edge():
    image = np.full((20, 20, 3), 10, np.uint8)
    image[:, :10] = 200
    alpha = np.zeros((20, 20), np.float32)
    alpha[:, :10], alpha[:, 10] = 1, 0.5
    assert spread(image, alpha)[:, 9:12].min() == pytest.approx(200, abs=1)


def test_a_still_without_alpha_is_named():
    with pytest.raises(ValueError, match="scene has no alpha to make a sequence of"):
        sequence(Sample("scene", SCENE, None, {}), SCENE, 3, np.random.default_rng(0))


def test_exact_masks_are_steady_and_a_blinking_one_is_not(tmp_path):
    folder = write_data(tmp_path)
    known = [alpha for one in sequences(folder, "val", 3) for alpha in one.alphas]
    exact = iter(known)
    scores = evaluate_motion("truth", lambda rgb: next(exact), sequences(folder, "val", 3))["scores"]
    assert {name: scores[name]["value"] for name in ("iou", "mad", "dtssd", "flicker")} == {
        "iou": 1, "mad": 0, "dtssd": 0, "flicker": 0,
    }  # fmt: skip
    blinking = iter([alpha if i % 3 != 1 else alpha * 0 for i, alpha in enumerate(known)])
    result = evaluate_motion("blinks", lambda rgb: next(blinking), sequences(folder, "val", 3))
    assert len(result["pictures"]) == 2
    assert result["protocol"] == "motion"
    assert result["scores"]["dtssd"]["value"] > 0.3
    assert result["scores"]["flicker"]["value"] > 0.1


def test_sequences_need_scenes(tmp_path):
    write_shard(tmp_path / "val-000.tar", [("a", still().image, still().alpha, {})])
    with pytest.raises(ValueError, match="no shards of the split 'background'"):
        list(sequences(tmp_path, "val", 2))


def test_kinds_of_a_half_figure_that_fills_a_quarter():
    image, truth = np.full((100, 100, 3), 50, np.uint8), np.zeros((100, 100), np.uint8)
    truth[50:, 25:75] = 255
    image[50:, 25:75] = 90
    assert kinds(image, truth) == {
        "brightness": "mean luma 60 to 100",  # 50 + 40 / 4 = 60
        "size of the person": "15 to 40 %",
        "framing": "cut at the bottom",
        "contrast at the edge": "50 to 100",  # 40 x sqrt(3) = 69
    }


def test_kinds_at_the_ends():
    image, truth = np.zeros((100, 100, 3), np.uint8), np.zeros((100, 100), np.uint8)
    assert kinds(image, truth) == {"brightness": "mean luma under 60"}
    truth[40:60, 40:60] = 255
    assert kinds(image + 255, truth)["framing"] == "whole inside the picture"
    assert kinds(image + 255, truth)["size of the person"] == "under 5 %"
    whole = kinds(image, truth * 0 + 255)
    assert whole["size of the person"] == "70 % and more"
    assert whole["framing"] == "cut at the top or a side"
    assert "contrast at the edge" not in whole
