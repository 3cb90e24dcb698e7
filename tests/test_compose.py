"""On a new background: the person as they were, the old background gone, edge colours included."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import fastportrait
from fastportrait.compose import composite, cutout, foreground

PERSON, WALL = np.float32((180, 60, 40)), np.float32((30, 120, 220))
SHAPES = [(1, 1), (3, 500), (64, 48), (700, 301)]


def soft_disc(height: int, width: int, softness: float) -> np.ndarray:
    rows, columns = np.indices((height, width))
    distance = np.hypot(rows - height / 2, columns - width / 2)
    return np.clip((min(height, width) * 0.3 - distance) / softness + 0.5, 0, 1).astype(np.float32)


def mixed(alpha: np.ndarray, front: np.ndarray, back: np.ndarray) -> np.ndarray:
    return np.rint(alpha[..., None] * front + (1 - alpha[..., None]) * back).astype(np.uint8)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("background", [(1, 2, 3), noise(40, 30, 1), "blur"])
def test_where_alpha_is_1_the_image_comes_back(shape, background):
    image = noise(*shape)
    assert np.array_equal(composite(image, np.ones(shape, np.float32), background), image)


@pytest.mark.parametrize("shape", SHAPES)
def test_where_alpha_is_0_there_is_only_background(shape):
    nobody = np.zeros(shape, np.float32)
    assert (composite(noise(*shape), nobody, (1, 2, 3)) == (1, 2, 3)).all()
    other = noise(*shape, seed=1)
    assert np.array_equal(composite(noise(*shape), nobody, other), other)
    assert not cutout(noise(*shape), nobody).any()


@pytest.mark.parametrize("softness", [3, 12, 20])
@pytest.mark.parametrize("size", [(300, 240), (1500, 1200)])
def test_the_colours_of_a_soft_edge_are_the_persons(size, softness):
    alpha = soft_disc(*size, softness)
    found = foreground(mixed(alpha, PERSON, WALL), alpha).astype(np.float32)
    edge = (alpha > 0.1) & (alpha < 1)
    assert np.abs(found - PERSON)[edge].mean() < 3
    assert np.abs(found - PERSON)[edge].max() < 30


def test_a_person_of_two_colours_keeps_both():
    alpha = soft_disc(400, 400, 10)
    front = np.where(np.arange(400)[:, None, None] < 200, PERSON, np.float32((240, 230, 60)))
    found = foreground(mixed(alpha, front, WALL), alpha).astype(np.float32)
    edge = (alpha > 0.2) & (alpha < 1)
    edge[190:210] = False  # where the two meet
    assert np.abs(found - front)[edge].mean() < 5


def test_on_a_new_background_there_is_no_halo_of_the_old_one():
    alpha = soft_disc(400, 300, 12)
    image = mixed(alpha, PERSON, WALL)
    for new in ((0, 0, 0), (255, 255, 255), (0, 177, 64)):
        right = mixed(alpha, PERSON, np.float32(new)).astype(int)
        edge = (alpha > 0) & (alpha < 1)
        naive = np.abs(mixed(alpha, image, np.float32(new)).astype(int) - right)[edge].mean()
        assert np.abs(composite(image, alpha, new).astype(int) - right)[edge].mean() < 0.1 * naive


def test_a_cutout_is_straight_alpha_and_composes_to_the_same_picture():
    alpha = soft_disc(300, 200, 8)
    image = mixed(alpha, PERSON, WALL)
    cut = cutout(image, alpha)
    assert cut.shape == (300, 200, 4)
    assert np.array_equal(cut[..., 3], np.rint(alpha * 255))
    share = cut[..., 3:].astype(np.float32) / 255
    pasted = share * cut[..., :3] + (1 - share) * np.float32((9, 200, 90))
    assert np.abs(pasted - composite(image, alpha, (9, 200, 90))).max() < 2


@given(
    arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.floats(0, 1, width=32)),
    st.sampled_from(["blur", (7, 8, 9), noise(5, 9)]),
)
@settings(max_examples=40, deadline=None)
def test_any_alpha_composes(alpha, background):
    image = noise(*alpha.shape)
    assert composite(image, alpha, background).shape == image.shape
    assert cutout(image, alpha).shape == (*alpha.shape, 4)


def test_the_blurred_background_has_none_of_the_persons_colour():
    alpha = soft_disc(400, 300, 6)
    red, blue = np.float32((255, 0, 0)), np.float32((0, 0, 255))
    out = composite(mixed(alpha, red, blue), alpha, "blur").astype(np.float32)
    behind = alpha == 0
    assert out[behind][:, 0].max() <= 1
    assert out[behind][:, 2].min() >= 254


def test_the_blurred_background_is_blurred():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    out = composite(stripes, np.zeros((400, 400), np.float32), "blur")
    assert out.std() < 5
    assert abs(float(out.mean()) - 127.5) < 3


@pytest.mark.parametrize("shape", [(100, 300), (300, 100), (50, 50), (1, 1), (1000, 999)])
def test_a_picture_covers_the_frame_about_its_middle(shape):
    picture = np.zeros((*shape, 3), np.uint8)
    picture[shape[0] // 2 :, :, 0] = 255  # lower half red, right half green
    picture[:, shape[1] // 2 :, 1] = 255
    out = composite(noise(60, 40), np.zeros((60, 40), np.float32), picture)
    assert out.shape == (60, 40, 3)
    if min(shape) > 1:
        assert (out[2, 2] == (0, 0, 0)).all()
        assert (out[-3, -3] == (255, 255, 0)).all()
        assert abs((out[..., 0] > 127).mean() - 0.5) < 0.05
        assert abs((out[..., 1] > 127).mean() - 0.5) < 0.05


def test_the_arguments_are_left_as_they_were():
    alpha, image, back = soft_disc(80, 60, 9), noise(80, 60), noise(80, 60, 2)
    kept = alpha.copy(), image.copy(), back.copy()
    for background in (back, "blur", (0, 0, 0)):
        composite(image, alpha, background)
    cutout(image, alpha)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (alpha, image, back), strict=True))
    assert not np.shares_memory(composite(image, np.zeros((80, 60), np.float32), back), back)


def test_composite_is_a_public_name():
    assert fastportrait.composite is composite


@pytest.mark.parametrize(
    "background", ["bokeh", (300, 0, 0), (1, 2), np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8)]
)
def test_other_backgrounds_are_refused_with_what_would_do(background):
    with pytest.raises(ValueError, match="it must be"):
        composite(noise(4, 4), np.zeros((4, 4), np.float32), background)


def test_an_alpha_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match=r"alpha is \(4, 5\), its image \(4, 4\)"):
        composite(noise(4, 4), np.zeros((4, 5), np.float32), (0, 0, 0))
    with pytest.raises(ValueError, match="uint8"):
        cutout(np.zeros((4, 4, 3)), np.zeros((4, 4), np.float32))


def test_a_picture_of_12_megapixels_is_worked_on_in_tiles():
    """The edge far from any tile's border and across it is the same person."""
    alpha = cv2.resize(soft_disc(150, 200, 3), (2000, 1500), interpolation=cv2.INTER_LINEAR)
    found = foreground(mixed(alpha, PERSON, WALL), alpha).astype(np.float32)
    assert np.abs(found - PERSON)[(alpha > 0.2) & (alpha < 1)].max() < 20
