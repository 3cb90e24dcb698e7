"""Filters of masks over time, a glance at two frames, and the measures of both, worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest

from fastportrait.bench.sequences import FAST, PAUSES, SWAY, sequence
from fastportrait.glance import CUT, glance, is_cut, is_still, novelty
from fastportrait.metrics.video import motion, moving_edge_iou, unexplained
from fastportrait.steady import Exponential, Flow, OneEuro, Raw, Still
from test_sequences import SCENE, still

EVERY = (Raw, Exponential, OneEuro, Still, Flow)
FOLLOWS = (Raw, Still, Flow)


def wall(seed=0):
    """(64, 64, 3): blocks of colour, so that motion can be seen."""
    return np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8).repeat(4, 0).repeat(4, 1)


def square(left):
    mask = np.zeros((64, 64), np.float32)
    mask[20:44, left : left + 24] = 1
    return mask


def seen(left):
    """The frame that `square(left)` is the mask of."""
    frame = wall()
    frame[20:44, left : left + 24] = wall(1)[20:44, :24]
    return frame


@pytest.mark.parametrize("build", EVERY)
def test_the_first_mask_comes_back_as_it_is(build):
    filtering = build()
    np.testing.assert_array_equal(filtering(square(10), seen(10)), square(10))
    filtering(square(30), seen(30))
    filtering.reset()
    np.testing.assert_array_equal(filtering(square(30), seen(30)), square(30))


@pytest.mark.parametrize("build", EVERY)
def test_a_mask_of_a_still_picture_becomes_what_the_network_keeps_saying(build):
    filtering = build()
    filtering(square(10), seen(10))
    for _ in range(60):
        shown = filtering(square(14), seen(10))
    np.testing.assert_allclose(shown, square(14), atol=0.05)


@pytest.mark.parametrize("build", EVERY[1:])
def test_what_flickers_before_a_still_picture_is_damped(build):
    filtering, random = build(), np.random.default_rng(0)
    shown = []
    for _ in range(30):
        noisy = np.clip(square(20) + random.normal(0, 0.1, (64, 64)), 0, 1).astype(np.float32)
        shown.append(filtering(noisy, seen(20)))
    assert np.abs(np.diff(shown[10:], axis=0)).mean() < 0.75 * 0.055


@pytest.mark.parametrize("build", FOLLOWS)
@pytest.mark.parametrize("speed", [1, 4, 10])
def test_what_follows_the_picture_is_not_late(build, speed):
    filtering, lefts = build(), range(2, 40, speed)
    truths = np.stack([square(left) for left in lefts])
    shown = np.stack([filtering(square(left), seen(left)) for left in lefts])
    assert moving_edge_iou(shown, truths) > 0.95
    assert np.abs(shown - truths).mean() < 0.01


def test_an_exponential_filter_is_late():
    filtering, lefts = Exponential(0.8), range(2, 40, 4)
    truths = np.stack([square(left) for left in lefts])
    shown = np.stack([filtering(square(left), seen(left)) for left in lefts])
    assert moving_edge_iou(shown, truths) < 0.5


def test_a_mask_one_frame_late_gets_nothing_where_it_moves():
    truths = np.stack([square(left) for left in range(0, 40, 8)])
    assert moving_edge_iou(truths, truths) == 1
    late = np.concatenate([truths[:1], truths[:-1]])
    assert moving_edge_iou(late, truths) < 0.3
    assert moving_edge_iou(truths[:1].repeat(3, 0), truths[:1].repeat(3, 0)) == 1


def test_what_moves_with_the_picture_is_explained_and_what_blinks_is_not():
    frames = [np.roll(wall(), 2 * t, axis=1).repeat(2, 0).repeat(2, 1) for t in range(4)]
    masks = np.stack([np.roll(square(16), 2 * t, axis=1).repeat(2, 0).repeat(2, 1) for t in range(4)])
    motions = [motion(a, b) for a, b in pairwise(frames)]
    assert np.mean([known.mean() for _, known in motions]) > 0.5
    assert unexplained(masks, motions) < 0.02
    masks[::2] *= 0.5
    assert unexplained(masks, motions) > 0.05


def test_a_glance_tells_cut_motion_and_rest_apart():
    here = glance(wall().astype(np.float32))
    moved = glance(np.roll(wall(), 3, axis=1).astype(np.float32))
    assert novelty(here, here) == 0
    assert is_still(here, here)
    assert not is_cut(here, moved)
    assert not is_still(here, moved)
    halves = np.full((64, 64, 3), 40, np.float32)
    halves[:, 32:] = 200
    left, top = glance(halves), glance(np.ascontiguousarray(halves.transpose(1, 0, 2)))
    assert is_cut(left, top)
    assert CUT < novelty(left, top) == pytest.approx(0.5, abs=0.15)  # two quarters, but for what is near


def test_grain_is_rest_and_one_cell_that_moves_is_not():
    random = np.random.default_rng(0)
    before, now = (glance((wall() + random.normal(0, 2, (64, 64, 3))).astype(np.float32)) for _ in range(2))
    assert is_still(before, now)
    touched = now.colours.copy()
    touched[30:33, 30:33] += 30
    assert not is_still(before, type(now)(touched))


def test_brighter_is_neither_a_cut_nor_for_ever_still():
    before, now = (glance(np.clip(gain * wall() / 2.0, 0, 255).astype(np.float32)) for gain in (1.0, 1.2))
    assert not is_cut(before, now)
    assert not is_still(before, now)


def test_sequences_with_pauses_stand_still_in_them_and_fast_ones_are_fast():
    def steps(moves):
        one = sequence(still(), SCENE, 40, np.random.default_rng(0), moves)
        return np.array([np.abs(b - a).max() for a, b in pairwise(one.places)])

    pauses = steps(PAUSES)
    half = PAUSES.period // 2
    assert pauses[:half].min() > 0
    assert pauses[half : half + PAUSES.pause - 1].max() == 0
    assert pauses[half + PAUSES.pause + 1] > 0
    assert steps(FAST).max() > 1.5 * steps(SWAY).max() > 0
