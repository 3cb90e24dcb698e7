"""Pictures harmed on purpose: the same for every model, and their truth goes with what is seen."""

import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import main
from fastportrait.data.harm import NAMES, harmed
from fastportrait.data.shards import Sample
from shards import write_shard

SIZE = (120, 90)


def sample(key="a", mask="alpha", left=30):
    alpha = np.zeros(SIZE, np.uint8)
    alpha[40:, left : left + 30] = 255
    image = np.full((*SIZE, 3), (40, 90, 60), np.uint8)
    image[alpha > 127] = (200, 120, 90)
    image[::7] = image[::7] // 2  # something to blur
    return Sample(key, image, alpha, {"source": "made", "mask": mask})


@pytest.mark.parametrize("name", NAMES)
def test_a_harm_follows_from_the_key_alone(name):
    pictures = [sample("a"), sample("b", left=50)]
    first = list(harmed(pictures, name))
    again = list(harmed(pictures, name))
    for old, one, two in zip(pictures, first, again, strict=True):
        assert np.array_equal(one.image, two.image)
        assert np.array_equal(one.alpha, two.alpha)
        assert one.image.shape == old.image.shape
        assert one.image.dtype == one.alpha.dtype == np.uint8
    assert (first[1].image != pictures[1].image).any()


def test_a_hand_joins_the_mask_a_thing_leaves_it_and_light_keeps_it():
    keys = [sample(str(i)) for i in range(12)]
    size = np.mean([s.alpha.mean() for s in keys])
    means = {name: np.mean([s.alpha.mean() for s in harmed(keys, name)]) for name in NAMES}
    assert means["hand"] > size > means["thing"]
    for name in ("low_light", "temperature", "motion", "noise", "jpeg"):
        assert all(np.array_equal(a.alpha, b.alpha) for a, b in zip(keys, harmed(keys, name), strict=True))
    dark = next(harmed(keys, "low_light"))
    assert dark.image.mean() < 0.75 * keys[0].image.mean()


def test_the_guest_is_whole_and_stands_in_front():
    first, cut, second = sample("a"), sample("b", mask="binary", left=0), sample("c")
    one, two, three = harmed([first, cut, second], "several")
    assert np.array_equal(one.image, first.image)  # nobody came before
    assert two.alpha.mean() > cut.alpha.mean()
    there = (three.alpha > 127) & (second.alpha < 127)
    assert there.sum() > 100
    assert np.abs(three.image[there].astype(int) - (200, 120, 90)).mean() < 40  # `first`'s, not the cut one's


@pytest.fixture
def data(tmp_path):
    s = sample()
    write_shard(tmp_path / "val-000.tar", [("v0", s.image, s.alpha, {"source": "web"})])
    write_shard(tmp_path / "empty-000.tar", [("e0", s.image, None, {})])
    return tmp_path


def evaluate(*arguments):
    return CliRunner().invoke(main, ["evaluate", "small", *map(str, arguments)])


def test_evaluate_says_what_befell(data, tmp_path):
    done = evaluate("--data", data, "--harm", "low_light", "--out", tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    assert "small on val-low_light" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--harm", "fog"], "known are low_light"),
        (["--harm", "hand", "--split", "empty"], "empty holds none"),
        (["--harm", "hand", "--report", "r.html"], "leave one of them out"),
    ],
)
def test_what_cannot_be_harmed_is_named(data, arguments, said):
    done = evaluate("--data", data, *arguments)
    assert done.exit_code == 1
    assert said in done.output
