"""The refined mask: the photo's size, the photo's edges, and no change where the network was sure."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastportrait.metrics.masks import iou
from fastportrait.refine import LARGE, halved, refine, refine_frame
from fastportrait.transform import resize

UNIT = st.floats(0, 1, width=32)


def disc(height: int, width: int) -> np.ndarray:
    rows, columns = np.indices((height, width))
    return np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2) < min(height, width) * 0.31


def painted(mask: np.ndarray, noise: float = 3) -> np.ndarray:
    """A warm person on a cool wall, with a camera's noise."""
    colours = np.where(mask[..., None], (200, 150, 120), (60, 90, 140))
    return np.clip(colours + np.random.default_rng(0).normal(0, noise, colours.shape), 0, 255).astype(
        np.uint8
    )


def smeared(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What a network of `size` would say: right, but soft over some of its pixels."""
    return np.clip(cv2.GaussianBlur(resize(mask.astype(np.float32), size), (0, 0), 1.2), 0, 1)


@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=UNIT),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_any_picture_gets_an_alpha_of_its_size_in_0_to_1(size, coarse, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    alpha = refine(image, coarse)
    assert alpha.shape == size
    assert alpha.dtype == np.float32
    assert np.isfinite(alpha).all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (700, 2)])
@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_the_thinnest_pictures_keep_a_constant_mask(size, value):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    alpha = refine(image, np.full((256, 256), value, np.float32))
    assert alpha.shape == size
    assert np.allclose(alpha, value, atol=1e-5)


@pytest.mark.parametrize("value", [0, 1])
def test_nobody_and_everybody_stay_exactly_that_whatever_the_picture(value):
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    assert (refine(image, np.full((64, 64), value, np.float32)) == value).all()


def test_a_flat_picture_moves_no_edge():
    coarse = smeared(disc(256, 256), (64, 64))
    alpha, plain = refine(np.full((400, 300, 3), 128, np.uint8), coarse), resize(coarse, (400, 300))
    assert iou(alpha > 0.5, plain > 0.5) > 0.995
    assert np.abs(alpha - plain).max() < 0.25  # the contrast is raised, and that is all
    assert np.abs(alpha - plain).mean() < 0.02


@pytest.mark.parametrize("grey", [False, True])
def test_a_mask_of_a_smeared_edge_snaps_to_the_pictures_edge(grey):
    truth = disc(900, 700)
    image = painted(truth)
    if grey:
        image = np.ascontiguousarray(np.broadcast_to(image[..., :1], image.shape))
    coarse = smeared(truth, (64, 64))
    coarse = np.roll(coarse, 1, axis=1)  # and one pixel of the network's beside it
    alpha, plain = refine(image, coarse), resize(coarse, truth.shape)
    assert iou(plain > 0.5, truth) < 0.95
    assert iou(alpha > 0.5, truth) > 0.98
    assert np.abs(alpha - truth).mean() < 0.3 * np.abs(plain - truth).mean()


def test_texture_does_not_leak_into_what_was_certain():
    truth = disc(600, 600)
    image = np.random.default_rng(1).integers(0, 256, (600, 600, 3), np.uint8)
    coarse = smeared(truth, (100, 100))
    near = np.ones((9, 9), np.uint8)
    certain = (cv2.dilate(coarse, near) < 0.02) | (cv2.erode(coarse, near) > 0.98)
    inside = (
        cv2.erode(cv2.resize(certain.view(np.uint8), (600, 600), interpolation=cv2.INTER_NEAREST), near) > 0
    )
    assert inside.mean() > 0.5
    assert np.array_equal(refine(image, coarse)[inside], resize(coarse, (600, 600))[inside])


@pytest.mark.parametrize("size", [(256, 256), (331, 517), (1000, 700), (40, 90)])
def test_a_mirrored_picture_gives_the_mirrored_alpha(size):
    """A shift by part of a pixel would go the other way in the mirror."""
    image = painted(disc(*size), noise=20)
    coarse = smeared(np.roll(disc(*size), 3, axis=0), (64, 64))
    alpha = refine(image, coarse)
    for axis in (0, 1):
        mirrored = refine(
            np.ascontiguousarray(np.flip(image, axis)), np.ascontiguousarray(np.flip(coarse, axis))
        )
        assert np.abs(np.flip(mirrored, axis) - alpha).max() < 0.06  # OpenCV's remap has 1/32 pixel
        assert np.abs(np.flip(mirrored, axis) - alpha).mean() < 1e-3


def test_the_alpha_of_a_noisy_picture_is_not_noisier_than_its_mask_was_wrong():
    truth = disc(800, 800)
    coarse = smeared(truth, (128, 128))
    alpha, plain = refine(painted(truth, noise=12), coarse), resize(coarse, truth.shape)
    assert np.abs(alpha - truth).mean() < 0.7 * np.abs(plain - truth).mean()


@pytest.mark.parametrize(
    ("image", "coarse"), [((4, 4), (2, 2)), ((4, 4, 4), (2, 2)), ((0, 4, 3), (2, 2)), ((4, 4, 3), (1, 2, 2))]
)
def test_other_shapes_are_refused_by_name(image, coarse):
    with pytest.raises(ValueError, match=r"(image|coarse) is \("):
        refine(np.zeros(image, np.uint8), np.zeros(coarse, np.float32))


@pytest.mark.parametrize(
    ("size", "half"), [((719, 3000), (719, 3000)), ((720, 960), (360, 480)), ((1443, 2881), (360, 720))]
)
def test_a_videos_frame_is_halved_until_it_is_small(size, half):
    frame = np.full((*size, 3), 7, np.uint8)
    assert LARGE == 720
    assert halved(frame).shape == (*half, 3)
    assert (halved(frame) == 7).all()


@pytest.mark.parametrize("size", [(500, 400), (1000, 800)])
def test_a_videos_edges_are_nearly_a_photos(size):
    truth = disc(*size)
    image, coarse = painted(truth, noise=8), np.roll(smeared(truth, (64, 64)), 1, axis=1)
    photo, plain = refine(image, coarse), resize(coarse, size)
    alpha = refine_frame(image, halved(image), coarse)
    assert alpha.shape == size
    assert np.abs(alpha - photo).mean() < 0.3 * np.abs(plain - photo).mean()
    assert np.abs(alpha - truth).mean() < 0.5 * np.abs(plain - truth).mean()


def test_only_what_is_near_an_edge_is_worked_on_and_nothing_is_lost_by_it():
    """A small head in a large picture gets the same alpha as in a crop around it."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (400, 600, 3), np.uint8)
    coarse = np.zeros((200, 300), np.float32)
    coarse[60:80, 100:120] = 1
    coarse[80, 100:120] = 0.5
    part = slice(60, 220), slice(140, 300)  # 40 pixels of the mask around the head
    alone = refine(np.ascontiguousarray(image[part]), np.ascontiguousarray(coarse[30:110, 70:150]))
    assert np.abs(refine(image, coarse)[part] - alone).max() < 1e-4
