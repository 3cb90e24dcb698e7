"""Frame to network and back: nothing moves, not by a part of a pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastportrait.transform import LETTERBOX, SQUASH, Place, from_network, place, resize, to_network

STRETCHES = [SQUASH, LETTERBOX, 1.33]
SHAPES = [(256, 256), (480, 640), (640, 480), (333, 1001), (1920, 1080), (100, 90), (37, 53), (300, 299)]


def there_and_back(frame: np.ndarray, stretch: float, size: tuple[int, int] = (256, 256)) -> np.ndarray:
    """`frame` through the network's input, its red channel returned as the mask would be."""
    image, where = to_network(frame, size, stretch)
    return resize(from_network(np.ascontiguousarray(image[:, :1]), where), frame.shape[:2])


def centroid(mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(mask.shape)
    return float((rows * mask).sum() / mask.sum()), float((columns * mask).sum() / mask.sum())


@pytest.mark.parametrize("stretch", STRETCHES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_blob_stays_where_it_is_to_a_fiftieth_of_a_pixel(shape, stretch):
    height, width = shape
    rows, columns = np.indices(shape)
    for y, x in ((0.5, 0.5), (0.3, 0.7), (0.62, 0.41)):
        distance = ((rows - y * height) / height * 9) ** 2 + ((columns - x * width) / width * 9) ** 2
        blob = np.rint(255 * np.exp(-distance)).astype(np.uint8)
        moved = there_and_back(np.dstack([blob] * 3), stretch)
        network_pixel = max(1, height / 256, width / 256)
        assert np.allclose(centroid(moved), centroid(blob), atol=0.02 * network_pixel)


@pytest.mark.parametrize("stretch", STRETCHES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_mirrored_frame_gives_the_mirrored_mask(shape, stretch):
    """A shift by half a pixel would go the other way in the mirror."""
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    plain = there_and_back(frame, stretch)
    mirrored = there_and_back(np.ascontiguousarray(frame[:, ::-1]), stretch)[:, ::-1]
    even = place(shape, (256, 256), stretch).width % 2 == 0  # an odd border is one pixel wider on one side
    assert np.abs(plain - mirrored).max() <= (1.01 / 255 if even else 1.5 / 255)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_an_edge_between_network_pixels_stays_sharp_and_in_place(factor):
    frame = np.zeros((256 * factor, 256 * factor, 3), np.uint8)
    frame[:, 100 * factor :] = 255
    image, _ = to_network(frame, (256, 256))
    assert np.array_equal(image[0, 0], np.tile((np.arange(256) >= 100).astype(np.float32), (256, 1)))
    back = there_and_back(frame, SQUASH)
    assert (back[0] >= 0.5).argmax() == 100 * factor


def test_a_checkerboard_of_the_networks_size_arrives_exactly():
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    frame = np.dstack([board] * 3)
    assert np.array_equal(there_and_back(frame, SQUASH, (64, 64)) * 255, board)
    large = np.kron(frame, np.ones((8, 8, 1), np.uint8))
    image, _ = to_network(large, (64, 64))
    assert np.array_equal(image[0, 0] * 255, board)


def test_an_impulse_in_a_corner_stays_in_its_corner():
    for y, x in ((0, 0), (0, 639), (479, 0), (479, 639)):
        frame = np.zeros((480, 640, 3), np.uint8)
        frame[y, x] = 255
        back = there_and_back(frame, LETTERBOX)
        assert back[y, x] == back.max() > 0


def test_the_image_is_rgb_in_zero_to_one_with_channels_first():
    frame = np.full((20, 30, 3), (255, 128, 0), np.uint8)
    image, _ = to_network(frame, (16, 8))
    assert image.shape == (1, 3, 16, 8)
    assert image.dtype == np.float32
    assert image[0, :, 3, 3].tolist() == [1.0, np.float32(128) / np.float32(255), 0.0]


def test_places_of_a_phone_portrait():
    assert place((1920, 1080), (256, 256), SQUASH) == Place(0, 0, 256, 256)
    assert place((1920, 1080), (256, 256), LETTERBOX) == Place(0, 56, 256, 144)
    assert place((1920, 1080), (256, 256), 4 / 3) == Place(0, 32, 256, 192)
    assert place((1080, 1920), (256, 256), LETTERBOX) == Place(56, 0, 144, 256)
    assert place((640, 480), (256, 256), 4 / 3) == Place(0, 0, 256, 256)


def test_proportions_that_fit_are_filled_whatever_the_stretch():
    for stretch in STRETCHES:
        assert place((720, 1280), (144, 256), stretch) == Place(0, 0, 144, 256)


def test_a_stretch_below_one_is_refused():
    with pytest.raises(ValueError, match="1 keeps the proportions"):
        place((10, 10), (10, 10), 0.5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3000),
    st.integers(1, 300),
    st.booleans(),
    st.sampled_from([*STRETCHES, 2.0]),
    st.sampled_from([(256, 256), (144, 256), (64, 64)]),
)
def test_every_shape_comes_back_as_itself(long, short, tall, stretch, size):
    shape = (long, short) if tall else (short, long)
    frame = np.full((*shape, 3), 200, np.uint8)
    image, where = to_network(frame, size, stretch)
    assert image.shape == (1, 3, *size)
    assert (image == image[0, 0, 0, 0]).all()
    assert where.top + where.height <= size[0]
    assert where.left + where.width <= size[1]
    assert there_and_back(frame, stretch, size).shape == shape
