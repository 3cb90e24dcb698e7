"""Streams: the first frame is a photo, cuts are seen, nothing trails, rest costs nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastportrait import Segmenter
from fastportrait.refine import halved, refine_frame
from fastportrait.segmenter import PRESENT
from fastportrait.stream import CALM, HOLD, Stream
from fastportrait.transform import resize

ROOT = Path(__file__).resolve().parents[1]
GREEN = (20, 220, 40)


@pytest.fixture(scope="module")
def green(green_model):
    return Segmenter(green_model, threads=1)


def scene(seed=0, level=128):
    """A textured grey wall, (96, 160, 3)."""
    wall = np.random.default_rng(seed).integers(-20, 20, (12, 20, 1)).repeat(8, 0).repeat(8, 1)
    return np.broadcast_to(level + wall, (96, 160, 3)).astype(np.uint8).copy()


def block(left, top=24, seed=0):
    """A green person, 64 wide and 60 high, before the wall."""
    frame = scene(seed)
    frame[top : top + 60, left : left + 64] = GREEN
    return frame


def grain(frame, random, sigma=3.0):
    return np.clip(frame + random.normal(0, sigma, frame.shape), 0, 255).astype(np.uint8)


class Blinks:
    """An engine that forgets the lower half of the person in every other frame."""

    name, size, card = "blinks", (64, 64), {}

    def __init__(self, engine):
        self.engine, self.calls = engine, 0

    def __call__(self, image):
        alpha = self.engine(image)
        self.calls += 1
        if self.calls % 2 == 0:
            alpha[:, :, 32:] *= 0.4
        return alpha


@pytest.fixture
def blinking(green_model):
    segmenter = Segmenter(green_model, threads=1)
    segmenter.engine = Blinks(segmenter.engine)
    return segmenter


def first(segmenter, frame):
    """What a stream says of a frame that it knows nothing before."""
    half = halved(frame)
    return refine_frame(frame, half, segmenter.mask(half))


def test_the_first_frame_is_what_the_segmenter_says(green):
    stream = green.stream()
    assert isinstance(stream, Stream)
    alpha = stream(block(40))
    np.testing.assert_array_equal(alpha, first(green, block(40)))
    assert np.abs(alpha - green(block(40))).mean() < 0.02  # a photo's edges are drawn more finely
    np.testing.assert_array_equal(green.stream().mask(block(40)), green.mask(block(40)))


def test_after_a_reset_the_next_frame_is_a_first_frame_again(blinking):
    stream, frame = blinking.stream(), block(40)
    whole, half = blinking.mask(frame), blinking.mask(frame)
    np.testing.assert_array_equal(stream.mask(frame), whole)
    assert stream.mask(frame)[40, 30] > half[40, 30] + 0.3  # the filter filled in
    blinking.engine.calls = 1
    stream.reset()
    np.testing.assert_array_equal(stream.mask(frame), half)


def test_masks_of_a_still_scene_stop_blinking(blinking):
    raw, steady = blinking.stream(steady=False), blinking.stream()
    frames = [block(40)] * 12
    blink = [raw.mask(f)[40, 30] for f in frames]
    shown = [steady.mask(f)[40, 30] for f in frames]
    assert np.ptp(blink[4:]) > 0.5
    assert np.ptp(shown[4:]) < 0.4 * np.ptp(blink[4:])


def test_a_new_scene_is_a_first_frame_again(green):
    stream = green.stream()
    for _ in range(4):
        stream(block(20))
    other = 255 - scene(1, level=20)
    other[:60, 90:150] = GREEN
    np.testing.assert_array_equal(stream(other), first(green, other))
    assert stream.cuts == 1


def test_a_moving_person_a_flash_and_noise_are_no_cuts(green):
    random, stream = np.random.default_rng(0), green.stream()
    for left in range(0, 96, 6):
        stream(grain(block(left), random))
    stream(grain(np.clip(block(90) * 1.2, 0, 255).astype(np.uint8), random))
    assert stream.cuts == 0


def test_a_frame_of_another_size_starts_anew(green):
    stream = green.stream()
    stream(block(40))
    tall = np.ascontiguousarray(block(40).transpose(1, 0, 2))
    np.testing.assert_array_equal(stream(tall), first(green, tall))


@pytest.mark.parametrize("speed", [2, 8, 16])
def test_a_moving_person_leaves_no_trail(green, speed):
    stream = green.stream()
    for left in range(0, 96, speed):
        alpha = stream(block(left))
    assert alpha[30:80, : left - 4].max() < 0.1
    assert alpha[30:80, left + 4 : min(160, left + 60)].min() > 0.9


def test_who_was_there_may_be_less_clearly_there(green):
    stream = green.stream(steady=False)
    faint = scene() * 0 + 100
    faint[24:84, 40:104] = (60, 165, 40)  # an alpha of 0.82
    assert 0.75 < green.presence(green.mask(faint)) < PRESENT
    assert not stream(faint).any()
    stream(block(40))
    assert stream(faint).any()
    stream.reset()
    assert not stream(faint).any()


def test_it_says_whether_somebody_is_there_and_how_surely(green):
    stream = green.stream()
    stream(scene())
    assert not stream.there
    assert stream.presence < PRESENT
    stream(block(40))
    assert stream.there
    assert stream.presence == green.presence(green.mask(block(40)))


@pytest.mark.parametrize("size", [(720, 1200), (1451, 901)])
def test_a_large_frame_gets_an_alpha_of_its_size_worked_out_on_its_half(green, size):
    frame = np.asarray(resize(block(40), size), np.uint8)
    alpha = green.stream()(frame)
    assert alpha.shape == size
    np.testing.assert_array_equal(alpha, first(green, frame))
    assert np.abs(alpha - green(frame)).mean() < 0.02


def test_rest_skips_the_network_and_motion_wakes_it_at_once(green):
    random, stream = np.random.default_rng(0), green.stream(idle=True)
    for _ in range(30):
        stream(grain(block(40), random, 1.0))
    assert 30 - CALM - 4 <= stream.skipped <= 30 - CALM - 1
    before = stream.skipped
    awake = stream(grain(block(48), random, 1.0))
    assert stream.skipped == before
    assert awake[30:80, 40:44].max() < 0.1


def test_a_slow_drift_is_no_rest_for_long(green):
    stream = green.stream(idle=True)
    for left in range(20, 80):
        alpha = stream(block(left))
        assert alpha[50, left + 6] > 0.9
        assert alpha[50, max(0, left - 6)] < 0.1


def test_the_network_looks_again_now_and_then(blinking):
    stream = blinking.stream(idle=True)
    blinking.engine.calls = -10_000
    for _ in range(3 * HOLD):
        stream.mask(block(40))
    assert blinking.engine.calls + 10_000 >= 5
    assert stream.frames == 3 * HOLD


def test_without_idle_every_frame_is_looked_at(blinking):
    stream = blinking.stream()
    for _ in range(5):
        stream.mask(block(40))
    assert blinking.engine.calls == 5
    assert stream.skipped == 0


def test_a_wrong_frame_is_a_value_error(green):
    with pytest.raises(ValueError, match="height, width, 3"):
        green.stream()(np.zeros((4, 4), np.uint8))


def test_the_page_shows_the_example_that_runs(tmp_path):
    example = ROOT / "examples" / "stream.py"
    assert f"```python\n{example.read_text()}```" in (ROOT / "docs" / "steady.md").read_text()
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    subprocess.run([sys.executable, example], cwd=tmp_path, check=True)
    assert (tmp_path / "last.png").stat().st_size > 10_000
