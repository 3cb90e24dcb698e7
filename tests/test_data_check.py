"""`fastportrait data check`, `show` and `sample`: on shards made here, each with one known fault."""

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import main
from fastportrait.data.check import check, inverted, text
from fastportrait.data.fingerprint import distance, fingerprint, near_duplicates
from fastportrait.data.made import figure
from fastportrait.data.shards import read
from fastportrait.data.show import overlay, sheet
from shards import figure as small_figure
from shards import write_shard

META = {"source": "web", "mask": "binary", "composite": False}


def drawn(seed):
    return figure(96, np.random.default_rng(seed))


def write(folder, **splits):
    """Shards of lists of (key, image, alpha, meta); what a sample has not is drawn."""
    for split, samples in splits.items():
        write_shard(folder / f"{split}-000.tar", samples)
    return folder


def sample(seed, *, image=None, alpha=None, **meta):
    made = drawn(seed)
    return (
        f"k{seed}", made[0] if image is None else image, made[1] if alpha is None else alpha, META | meta
    )  # fmt: skip


def faults(folder, level="errors"):
    with open("/dev/null", "w") as nowhere:
        return {entry["what"]: entry["count"] for entry in check(folder, nowhere)[level]}


def test_good_data_has_no_errors_and_says_how_it_is_balanced(tmp_path):
    folder = write(tmp_path, train=[sample(i) for i in range(3)], val=[sample(9)])
    with open("/dev/null", "w") as nowhere:
        found = check(folder, nowhere)
    assert (found["errors"], found["warnings"], found["pictures"]) == ([], [], 4)
    row = found["splits"]["train"]["web"]
    assert (row["pictures"], row["masks"]) == (3, {"binary": 3})
    assert 0.1 < row["person"] < 0.7
    assert text(found).endswith("4 pictures: 0 errors, 0 warnings")


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"alpha": np.zeros((96, 96), np.uint8)}, "empty mask"),
        ({"alpha": np.eye(96, dtype=np.uint8)}, "mask too dark"),
        ({"alpha": np.full((90, 96), 255, np.uint8)}, "unreadable or misaligned pair"),
        ({"mask": "hand"}, "unknown kind of mask"),
        ({"mask": "pseudo"}, "pseudo mask without agreement"),
        ({"source": ""}, "no source"),
    ],
)
def test_one_broken_sample_is_one_error(tmp_path, fault, what):
    assert faults(write(tmp_path, train=[sample(1), sample(2, **fault)])) == {what: 1}


def test_a_mask_is_missing_only_where_people_are(tmp_path):
    key, image, _, meta = sample(1)
    assert faults(write(tmp_path, train=[(key, image, None, meta)])) == {"no mask": 1}
    (tmp_path / "train-000.tar").unlink()
    assert faults(write(tmp_path, background=[(key, image, None, {"source": "wall"})])) == {}


def test_inverted_masks_are_seen_and_are_an_error_where_they_are_the_rule(tmp_path):
    turned = [sample(i, alpha=255 - drawn(i)[1]) for i in range(4)]
    assert all(inverted(alpha) for _, _, alpha, _ in turned)
    assert not any(inverted(drawn(i)[1]) for i in range(20))
    assert faults(write(tmp_path, train=turned)) == {"inverted masks": 1}
    assert faults(tmp_path, "warnings") == {"looks inverted": 4}


def test_the_same_picture_saved_again_in_another_split_is_a_leak(tmp_path):
    image, alpha = drawn(1)
    again = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    small = cv2.resize(again, (80, 80), interpolation=cv2.INTER_AREA)
    copy = sample(5, image=small, alpha=cv2.resize(alpha, (80, 80)))
    folder = write(tmp_path, train=[sample(1), sample(2)], val=[copy])
    assert faults(folder) == {"nearly the same picture in two splits": 1}


def test_one_person_in_two_splits_is_a_leak(tmp_path):
    folder = write(tmp_path, train=[sample(1, group="anna")], val=[sample(2, group="anna")])
    assert faults(folder) == {"group in two splits": 1}


def test_a_key_used_twice_is_an_error(tmp_path):
    _, image, alpha, meta = sample(2)
    assert faults(write(tmp_path, train=[sample(1)], val=[("k1", image, alpha, meta)])) == {
        "key used twice": 1
    }


def test_a_shard_that_is_cut_off_is_an_error(tmp_path):
    write(tmp_path, train=[sample(1), sample(2)])
    whole = (tmp_path / "train-000.tar").read_bytes()
    (tmp_path / "train-000.tar").write_bytes(whole[: len(whole) // 4])
    assert "shard cannot be read to its end" in faults(tmp_path)


def test_near_duplicates_are_the_same_with_and_without_bands():
    random = np.random.default_rng(0)
    hashes = random.integers(0, 1 << 63, 60, np.uint64)
    for i in range(30):  # copies with up to eight bits turned
        turned = sum(1 << int(bit) for bit in random.choice(64, i % 9, replace=False))
        hashes[30 + i] = hashes[i] ^ np.uint64(turned)
    alike = np.zeros((60, 16, 16, 3), np.uint8)
    every = [
        (a, b) for a in range(60) for b in range(a + 1, 60) if distance(hashes[a], hashes[b : b + 1])[0] <= 6
    ]
    assert len(every) > 20
    assert [tuple(pair) for pair in near_duplicates(hashes, alike)] == every


def test_a_hash_ignores_brightness_but_thumbnails_do_not():
    image, _ = small_figure(np.random.default_rng(0))
    dark = np.asarray(image * 0.6, np.uint8)
    (one, thumb), (other, dark_thumb) = fingerprint(image), fingerprint(dark)
    assert distance(one, np.array([other]))[0] <= 6
    assert len(near_duplicates(np.array([one, other]), np.stack([thumb, dark_thumb]))) == 0


def run(*arguments):
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


def test_the_command_exits_with_1_only_for_errors(tmp_path):
    write(tmp_path, train=[sample(1)])
    assert run("check", tmp_path).exit_code == 0
    write(tmp_path, val=[sample(2, mask="hand")])
    ended = run("check", tmp_path, "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["errors"][0]["what"] == "unknown kind of mask"


def test_a_folder_without_shards_is_an_error(tmp_path):
    ended = run("check", tmp_path)
    assert ended.exit_code == 1
    assert "no shards" in ended.output


def test_a_sheet_takes_every_source_in_turn_and_the_same_ones_again(tmp_path):
    samples = [sample(i) for i in range(5)] + [sample(i, source="rare") for i in (7, 8)]
    write(tmp_path, train=samples)
    made = run("show", tmp_path, "-o", tmp_path / "sheet.png", "--count", 3)
    assert made.exit_code == 0, made.output
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    assert picture.shape == (190, 3 * 328, 3)
    assert np.array_equal(picture[:, :, ::-1], sheet(tmp_path, "train", count=3))
    assert "it has rare, web" in run("show", tmp_path, "-o", tmp_path / "a.png", "--source", "x").output


def test_an_overlay_keeps_the_person_in_colour():
    image = np.full((20, 20, 3), (200, 40, 40), np.uint8)
    alpha = np.zeros((20, 20), np.uint8)
    alpha[5:15, 5:15] = 255
    shown = overlay(image, alpha)
    assert shown[10, 10].tolist() == [200, 40, 40]
    assert len(set(shown[0, 0].tolist())) == 1


def test_the_drawn_set_is_whole_and_the_same_each_time(tmp_path):
    for out in ("a", "b"):
        made = run("sample", "--out", tmp_path / out, "--count", 6, "--side", 96)
        assert made.exit_code == 0, made.output
    assert faults(tmp_path / "a") == {}
    names = ["background-000.tar", "test-000.tar", "train-000.tar", "val-000.tar"]
    assert sorted(p.name for p in tmp_path.joinpath("a").iterdir()) == names
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)
    train = list(read(tmp_path / "a", "train"))
    assert {(s.image.shape, s.meta["source"]) for s in train} == {((96, 96, 3), "figures")}
    assert "choose another --out" in run("sample", "--out", tmp_path / "a").output
