"""`fastportrait data import`: tiny downloads in the layouts of the real ones."""

import base64
import json
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import main
from fastportrait.cli.data import NAMES
from fastportrait.data import bring as bringing
from fastportrait.data.sets import SETS, coco
from fastportrait.data.shards import read

TALL, WIDE = 40, 30


def picture(path: Path, seed=0, size=(TALL, WIDE)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    assert cv2.imwrite(str(path), cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_CUBIC))


def square(person=255, size=(TALL, WIDE)):
    """Rows 10 to 30, columns 5 to 25: 400 pixels."""
    mask = np.zeros(size, np.uint8)
    mask[10:30, 5:25] = person
    return mask


def write(path: Path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def bring(name, folder, out, *options, code=0):
    run = CliRunner().invoke(
        main, ["data", "import", name, "--from", str(folder), "--out", str(out), *options]
    )
    assert run.exit_code == code, run.output
    return run.output


def samples(out, split):
    return list(read(out, split))


def area(sample):
    """Pixels of person."""
    return int((sample.alpha > 127).sum())


def test_the_command_line_knows_every_set():
    assert tuple(SETS) == NAMES


@pytest.mark.parametrize("name", [name for name in SETS if name != "folder"])
def test_every_set_says_where_it_is_from_and_on_what_terms(name):
    about = SETS[name]
    assert about.terms
    assert about.link.startswith("https://")
    assert about.mask in ("alpha", "refined", "binary", "polygon")
    assert (about.expected is None) == (about.source == "")


@pytest.mark.parametrize("name", SETS)
def test_a_folder_of_something_else_is_told_what_was_expected(name, tmp_path):
    with pytest.raises(ValueError, match="expected below it"):
        SETS[name].find(tmp_path)


def test_eg1800_keeps_its_test_list_and_its_masks_of_ones(tmp_path):
    for i in range(3):
        picture(tmp_path / f"in/Images/0000{i}.png", i)
        write(tmp_path / f"in/Labels/0000{i}.png", square(person=1))
    (tmp_path / "in/eg1800_train.txt").write_text("00000.png\n00001.png\n")
    (tmp_path / "in/eg1800_test.txt").write_text("00002.png\n")
    said = bring("eg1800", tmp_path / "in", tmp_path / "out")
    assert "terms: EG1800" in said
    assert "3 found; PortraitNet's README says 1736" in said
    assert [s.meta["name"] for s in samples(tmp_path / "out", "test")] == ["00002"]
    train = samples(tmp_path / "out", "train")
    assert len(train) == 2
    assert {area(s) for s in train} == {400}
    assert train[0].meta == {
        "source": "eg1800", "kind": "selfie", "mask": "binary", "composite": False,
        "terms": SETS["eg1800"].terms, "name": train[0].meta["name"],
    }  # fmt: skip


def test_aisegments_alpha_is_the_fourth_channel(tmp_path):
    picture(tmp_path / "in/clip_img/1803/clip_00000000/1803-1.jpg")
    rgba = np.dstack([np.zeros((TALL, WIDE, 3), np.uint8), square(person=200)])
    write(tmp_path / "in/matting/1803/matting_00000000/1803-1.png", rgba)
    (tmp_path / "in/clip_img/1803/clip_00000000/._1803-1.jpg").write_bytes(b"what macOS leaves")
    bring("aisegment", tmp_path / "in", tmp_path / "out")
    (sample,) = samples(tmp_path / "out", "train")
    assert sample.alpha.max() == 200


def test_pphumanseg_reads_class_numbers_behind_a_palette(tmp_path):
    from PIL import Image

    for split in ("train", "val"):
        picture(tmp_path / f"in/images/{split}/a.jpg")
        mask = Image.new("P", (WIDE, TALL))
        mask.putdata(square(person=1).ravel().tolist())
        mask.putpalette([0, 0, 0, 128, 0, 0])
        (tmp_path / f"in/annotations/{split}").mkdir(parents=True)
        mask.save(tmp_path / f"in/annotations/{split}/a.png")
    picture(tmp_path / "in/images/test/a.jpg")  # its masks are not given to everyone
    bring("pphumanseg14k", tmp_path / "in", tmp_path / "out")
    assert [area(s) for split in ("train", "val") for s in samples(tmp_path / "out", split)] == [400, 400]
    assert not list((tmp_path / "out").glob("test-*"))


def test_every_class_of_easyportrait_but_the_first_is_person(tmp_path):
    classes = square(person=1)
    classes[12:14, 10:12] = 8
    picture(tmp_path / "in/images/train/a.jpg")
    write(tmp_path / "in/annotations/train/a.png", classes)
    bring("easyportrait", tmp_path / "in", tmp_path / "out")
    assert area(samples(tmp_path / "out", "train")[0]) == 400


def test_p3m10k_keeps_soft_alpha_and_reports_on_both_test_sets(tmp_path):
    for place in (
        "train/blurred_image",
        "validation/P3M-500-P/blurred_image",
        "validation/P3M-500-NP/original_image",
    ):
        picture(tmp_path / "in" / place / "p_1.jpg")
        write(tmp_path / "in" / Path(place).parent / "mask/p_1.png", square(person=100))
    bring("p3m10k", tmp_path / "in", tmp_path / "out")
    assert sorted(s.meta["kind"] for s in samples(tmp_path / "out", "test")) == ["celebrity", "faces_blurred"]
    train = samples(tmp_path / "out", "train")
    assert (train[0].meta["mask"], train[0].alpha.max()) == ("alpha", 100)


def test_ppm100_is_a_benchmark(tmp_path):
    picture(tmp_path / "in/image/1.jpg")
    picture(tmp_path / "in/matte/1.jpg")
    bring("ppm100", tmp_path / "in", tmp_path / "out")
    assert len(samples(tmp_path / "out", "test")) == 1


SQUARE = [5, 10, 25, 10, 25, 30, 5, 30]


def test_run_lengths_of_coco_are_read_as_text_and_as_numbers():
    assert coco.decode("231N") == [2, 3, 1, 1]  # the last is 1 - 3 = -2, which is N in five bits
    assert coco.decode("X3") == [104]  # 8 + 32 * 3
    columns_first = coco.run_lengths([1, 2, 3], (2, 3))
    assert (columns_first // 255).tolist() == [[0, 1, 0], [1, 0, 0]]
    with pytest.raises(ValueError, match="run lengths for 5 pixels"):
        coco.run_lengths([5], (2, 3))


def test_an_outline_on_the_corners_of_pixels_covers_about_what_it_encloses():
    assert abs(int((coco.union([[SQUARE]], (TALL, WIDE)) > 0).sum()) - 400) <= 41  # half its border at most


def person(area, *, crowd=0, image=1, outline=SQUARE):
    return {"image_id": image, "category_id": 1, "area": area, "iscrowd": crowd, "segmentation": [outline]}


def test_coco_takes_people_who_are_the_subject_and_leaves_out_doubtful_pictures():
    size = (100, 100)
    assert coco.subjects([person(400)], size) == []  # 4 % of the picture: nobody's portrait
    assert len(coco.subjects([person(4000)], size)) == 1
    assert len(coco.subjects([person(4000), person(2000)], size)) == 2
    assert len(coco.subjects([person(4000), person(150)], size)) == 1  # someone far behind
    assert coco.subjects([person(4000), person(900)], size) == []  # neither here nor there
    assert coco.subjects([person(4000), person(500, crowd=1)], size) == []


def test_coco_reads_its_instances(tmp_path):
    instances = {
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
        "images": [{"id": i, "file_name": f"00{i}.jpg", "height": TALL, "width": WIDE} for i in (1, 2)],
        "annotations": [person(400), person(400, image=2) | {"category_id": 2}],
    }
    picture(tmp_path / "in/train2017/001.jpg")
    (tmp_path / "in/annotations").mkdir()
    (tmp_path / "in/annotations/instances_train2017.json").write_text(json.dumps(instances))
    bring("coco_person", tmp_path / "in", tmp_path / "out")
    (sample,) = samples(tmp_path / "out", "train")
    assert (sample.meta["source"], sample.meta["mask"]) == ("coco_person", "polygon")


def test_supervisely_draws_bitmaps_and_polygons_with_holes(tmp_path):
    png = cv2.imencode(".png", np.full((20, 20), 255, np.uint8))[1].tobytes()
    bitmap = {"data": base64.b64encode(zlib.compress(png)).decode(), "origin": [5, 10]}
    corners = [[5, 10], [24, 10], [24, 29], [5, 29]]
    hole = [[10, 15], [14, 15], [14, 19], [10, 19]]
    things = {
        "bmp": {"classTitle": "person_bmp", "geometryType": "bitmap", "bitmap": bitmap},
        "poly": {"classTitle": "person_poly", "points": {"exterior": corners, "interior": [hole]}},
    }
    for name, thing in things.items():
        picture(tmp_path / f"in/ds1/img/{name}.png")
        found = {
            "size": {"height": TALL, "width": WIDE},
            "objects": [thing, thing | {"classTitle": "neutral"}],
        }
        (tmp_path / "in/ds1/ann").mkdir(exist_ok=True)
        (tmp_path / f"in/ds1/ann/{name}.png.json").write_text(json.dumps(found))
    bring("supervisely", tmp_path / "in", tmp_path / "out")
    found = {s.meta["name"]: (s.meta["mask"], area(s)) for s in samples(tmp_path / "out", "train")}
    assert found == {"ds1/bmp": ("binary", 400), "ds1/poly": ("polygon", 400 - 25)}


def test_videomatte_takes_every_24th_frame_of_folders_and_of_films(tmp_path):
    for i in range(25):
        picture(tmp_path / f"in/train/fgr/0001/{i:05d}.jpg", size=(64, 64))
        write(tmp_path / f"in/train/pha/0001/{i:05d}.jpg", square(size=(64, 64)))
    for what, colour in (("fgr", 90), ("pha", 255)):
        code = cv2.VideoWriter.fourcc(*"MJPG")
        film = cv2.VideoWriter(str(tmp_path / f"in/train/{what}/0002.avi"), code, 24, (64, 64))
        for _ in range(25):
            film.write(np.full((64, 64, 3), colour, np.uint8))
        film.release()
    bring("videomatte240k", tmp_path / "in", tmp_path / "out")
    names = {s.meta["name"]: s for s in samples(tmp_path / "out", "train")}
    assert sorted(names) == [f"train/000{c}#{f}" for c in (1, 2) for f in ("00000", "00024")]
    film = names["train/0002#00024"]
    assert (film.meta["group"], film.meta["composite"], film.alpha.min() > 250) == ("train/0002", True, True)


def own_folder(folder, count=3):
    for i in range(count):
        picture(folder / f"images/{i}.jpg", i)
        write(folder / f"masks/{i}.png", square())
    return folder


def test_a_folder_of_ones_own_needs_its_terms(tmp_path):
    own_folder(tmp_path / "mine")
    assert "--terms" in bring("folder", tmp_path / "mine", tmp_path / "out", code=1)
    bring("folder", tmp_path / "mine", tmp_path / "out", "--terms", "my own photos")
    assert {(s.meta["source"], s.meta["terms"]) for s in samples(tmp_path / "out", "train")} == {
        ("mine", "my own photos")
    }


def test_what_cannot_be_used_is_left_out_by_name(tmp_path):
    folder = own_folder(tmp_path / "mine", count=4)
    (folder / "images/1.jpg").write_bytes(b"no picture")
    write(folder / "masks/2.png", square(size=(WIDE, TALL)))
    (folder / "masks/3.png").unlink()
    said = bring("folder", folder, tmp_path / "out", "--terms", "mine")
    for left, why in (("1", "not a readable image"), ("2", "its mask 40 x 30"), ("3", "No such file")):
        assert [line for line in said.splitlines() if line.startswith(f"left out: {left}:") and why in line]
    record = json.loads((tmp_path / "out/mine.import.json").read_text())
    assert sorted(record["left_out"]) == ["1", "2", "3"]


def test_pictures_are_shrunk_to_the_short_side_and_never_enlarged(tmp_path):
    own_folder(tmp_path / "mine")
    bring(
        "folder", tmp_path / "mine", tmp_path / "small", "--terms", "x", "--short-side", "32", "--source", "a"
    )
    bring("folder", tmp_path / "mine", tmp_path / "same", "--terms", "x")
    assert samples(tmp_path / "same", "train")[0].image.shape == (TALL, WIDE, 3)


def test_a_second_set_goes_behind_the_first_and_the_same_twice_is_refused(tmp_path):
    own_folder(tmp_path / "mine")
    options = ("--terms", "x", "--split", "train", "--limit", "2")
    bring("folder", tmp_path / "mine", tmp_path / "out", *options)
    assert "has mine already" in bring("folder", tmp_path / "mine", tmp_path / "out", *options, code=1)
    bring("folder", tmp_path / "mine", tmp_path / "out", *options, "--source", "b")
    assert sorted(p.name for p in (tmp_path / "out").glob("*.tar")) == ["train-000.tar", "train-001.tar"]
    assert len(samples(tmp_path / "out", "train")) == 4


def test_an_import_that_breaks_off_leaves_nothing(tmp_path):
    items = SETS["folder"].find(own_folder(tmp_path / "mine"))

    def breaks_off():
        yield items[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bringing.bring(breaks_off(), "mine", SETS["folder"], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_import_killed_while_its_shards_are_moved_is_finished_by_the_next(tmp_path):
    own_folder(tmp_path / "mine")
    bring("folder", tmp_path / "mine", tmp_path / "out", "--terms", "x", "--split", "train")
    out, work = tmp_path / "out", tmp_path / "out/.import-mine"
    work.mkdir()
    record = json.loads((out / "mine.import.json").read_text())
    (work / "plan.json").write_text(
        json.dumps({"names": {"train-000.tar": "train-000.tar"}, "record": record})
    )
    (out / "train-000.tar").rename(work / "train-000.tar")
    (out / "mine.import.json").unlink()
    assert "it is whole" in bring("folder", tmp_path / "mine", out, "--terms", "x", code=1)
    assert len(samples(out, "train")) >= 2
    assert (out / "mine.import.json").exists()
    assert not work.exists()


def test_shards_end_at_their_size_and_the_same_pictures_give_the_same_bytes(tmp_path):
    items = SETS["folder"].find(own_folder(tmp_path / "mine", count=6))
    for out in ("a", "b"):
        bringing.bring(iter(items), "mine", SETS["folder"], tmp_path / out, shard=4000)
    shards = sorted(p.name for p in (tmp_path / "a").glob("*.tar"))
    assert len(shards) > 1
    assert all(
        (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in shards
    )
