"""`fastportrait cut` as a user meets it: trees, pipes, bad files, second runs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fastportrait.cli import main
from fastportrait.media import images
from fastportrait.media.batch import plan

pytest.importorskip("onnx")


@pytest.fixture
def cut(green_model, tmp_path, monkeypatch):
    """`fastportrait cut ...` in an empty folder; no exception but the exit is let through."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, stdin: bytes | None = None, model: Path = green_model) -> Result:
        words = [*map(str, arguments), "--model", str(model), "--threads", "2"]
        result = CliRunner().invoke(main, ["cut", *words], input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def photo(portrait) -> bytes:
    return _file(portrait)


def _file(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def _put(*names: str, data: bytes) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)


def _tree(folder: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def test_one_photo_goes_to_cutouts(cut, photo):
    _put("me.png", data=photo)
    result = cut("me.png")
    assert result.exit_code == 0
    assert "me.png (160 x 96" in result.stderr
    assert result.stdout == ""
    frame, alpha = images.read("cutouts/me.png")
    assert frame.shape == (96, 160, 3)
    assert alpha is not None
    assert alpha[60, 80] == 255
    assert alpha[5, 5] == 0


@pytest.mark.parametrize("name", ["cut.png", "cut.webp", "cut.tif", "deep/er/cut.PNG"])
def test_the_ending_of_the_output_decides_its_format(cut, photo, name):
    _put("me.jpg", data=photo)
    assert cut("me.jpg", "-o", name).exit_code == 0
    with Image.open(name) as image:
        assert image.format == {".png": "PNG", ".webp": "WEBP", ".tif": "TIFF"}[Path(name).suffix.lower()]
        assert image.mode == "RGBA"


def test_jpeg_for_transparency_is_refused_with_the_cure(cut, photo):
    _put("me.png", data=photo)
    result = cut("me.png", "-o", "cut.jpg")
    assert result.exit_code == 2
    assert "--background" in result.stderr
    assert cut("me.png", "-o", "cut.jpg", "--background", "white").exit_code == 0
    assert cut("me.png", "-o", "mask.jpg", "--mask").exit_code == 0


def test_an_unknown_output_format_names_the_known_ones(cut, photo):
    _put("me.png", data=photo)
    result = cut("me.png", "-o", "cut.psd")
    assert result.exit_code == 2
    assert ".webp" in result.stderr


@pytest.mark.parametrize(("background", "colour"), [("#0000ff", (0, 0, 255)), ("red", (255, 0, 0))])
def test_a_colour_fills_the_background(cut, photo, background, colour):
    _put("me.png", data=photo)
    assert cut("me.png", "--background", background).exit_code == 0
    frame, alpha = images.read("cutouts/me.png")
    assert alpha is None
    assert np.abs(frame[5, 5].astype(int) - colour).max() <= 1


def test_a_picture_or_a_blur_fills_the_background(cut, photo):
    _put("me.png", data=photo)
    _put("beach.jpg", data=_file(np.full((30, 90, 3), 77, np.uint8)))
    assert cut("me.png", "--background", "beach.jpg", "-o", "a.png").exit_code == 0
    assert np.abs(images.read("a.png").frame[5, 5].astype(int) - 77).max() <= 1
    assert cut("me.png", "--background", "blur", "-o", "b.png").exit_code == 0
    assert images.read("b.png").frame.shape == (96, 160, 3)


@pytest.mark.parametrize("background", ["#12", "#ggg", "bleu", "nowhere/beach.jpg"])
def test_a_background_that_is_nothing_says_what_is_right(cut, photo, background):
    _put("me.png", data=photo)
    result = cut("me.png", "--background", background)
    assert result.exit_code == 2
    assert "#RRGGBB" in result.stderr


def test_the_mask_is_eight_bit_grey(cut, photo):
    _put("me.png", data=photo)
    assert cut("me.png", "--mask").exit_code == 0
    with Image.open("cutouts/me-mask.png") as image:
        assert image.mode == "L"
        assert image.getpixel((80, 60)) == 255
        assert image.getpixel((5, 5)) == 0


def test_a_folder_is_mirrored_and_what_is_no_picture_left_alone(cut, photo):
    _put("photos/a.jpg", "photos/b/a.jpg", "photos/b/c/D.PNG", data=photo)
    _put("photos/notes.txt", "photos/.hidden.jpg", "photos/.trash/e.jpg", data=b"no picture")
    result = cut("photos", "-o", "out")
    assert result.exit_code == 0, result.output
    assert _tree("out") == ["a.png", "b/a.png", "b/c/D.png"]
    assert "3 done" in result.stderr


def test_pictures_of_one_name_are_all_kept(cut, photo):
    _put("photos/me.jpg", "photos/me.png", "photos/me.jpg.gif", "photos/other.jpg", data=photo)
    assert cut("photos", "-o", "out").exit_code == 0
    assert _tree("out") == ["me.jpg-2.png", "me.jpg.png", "me.png.png", "other.png"]


def test_names_that_differ_in_case_are_two_pictures_on_every_file_system():
    targets = [
        job.target.as_posix() for job in plan([Path("a/Me.jpg"), Path("b/me.jpg")], Path("out"), ".png")
    ]
    assert targets == ["out/Me.jpg.png", "out/me.jpg-2.png"]


def test_two_folders_keep_their_names_and_a_picture_named_twice_is_done_once(cut, photo):
    _put("one/a.jpg", "two/a.jpg", "b.jpg", data=photo)
    assert cut("one", "two", "one/a.jpg", "b.jpg", "./b.jpg", "-o", "out").exit_code == 0
    assert _tree("out") == ["b.png", "one/a.png", "two/a.png"]


def test_one_bad_file_is_one_line_and_the_rest_go_on(cut, photo):
    _put("photos/a.jpg", "photos/z.jpg", data=photo)
    _put("photos/text.jpg", data=b"Dear photo")
    _put("photos/empty.png", data=b"")
    _put("photos/cut-off.png", data=photo[: len(photo) // 2])
    result = cut("photos", "gone.jpg", "-o", "out")
    assert result.exit_code == 1
    assert _tree("out") == ["a.png", "z.png"]
    lines = result.stderr.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [
        *("photos/cut-off.png", "photos/empty.png", "photos/text.jpg", "gone.jpg")
    ]
    assert "is empty" in lines[1]
    assert lines[3] == "gone.jpg: No such file or directory"
    assert lines[-1] == "2 done, 4 failed"


def test_a_second_run_skips_what_is_finished(cut, photo):
    _put("photos/a.jpg", "photos/b.jpg", data=photo)
    cut("photos", "-o", "out")
    os.utime("out/a.png", (1, 1))
    _put("photos/c.jpg", data=photo)
    result = cut("photos", "-o", "out")
    assert result.exit_code == 0
    assert "1 done, 2 skipped" in result.stderr
    assert Path("out/a.png").stat().st_mtime == 1
    assert "3 done" in cut("photos", "-o", "out", "--overwrite").stderr
    assert Path("out/a.png").stat().st_mtime > 1


def test_the_output_folder_inside_the_input_is_not_an_input(cut, photo):
    _put("a.jpg", data=photo)
    for _ in range(2):
        assert cut(".").exit_code == 0
    assert _tree("cutouts") == ["a.png"]


def test_the_input_folder_is_no_output_folder(cut, photo):
    _put("photos/a.jpg", data=photo)
    result = cut("photos", "-o", "photos/../photos")
    assert result.exit_code == 2
    assert "come from" in result.stderr


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_an_input_is_never_written_over(cut, photo, link):
    _put("me.png", data=photo)
    name = "me.png"
    if link:
        name = "other.png"
        link("me.png", name)
    result = cut("me.png", "-o", name, "--overwrite")
    assert result.exit_code == 1
    assert "which is an input" in result.stderr
    assert Path("me.png").read_bytes() == photo
    assert Path(name).read_bytes() == photo


def test_another_input_and_the_background_are_not_written_over_either(cut, photo):
    _put("in/beach.jpg", "out/beach.png", data=photo)
    result = cut("in/beach.jpg", "-o", "out", "--background", "out/beach.png", "--overwrite")
    assert result.exit_code == 1
    assert Path("out/beach.png").read_bytes() == photo
    result = cut("in", "out/beach.png", "-o", "out", "--overwrite")
    assert Path("out/beach.png").read_bytes() == photo


def test_several_pictures_need_a_folder(cut, photo):
    _put("a.png", "b.png", data=photo)
    result = cut("a.png", "b.png", "-o", "out.png")
    assert result.exit_code == 2
    assert "-o out/" in result.stderr


def test_a_folder_without_pictures_says_so(cut):
    Path("empty").mkdir()
    result = cut("empty")
    assert result.exit_code == 1
    assert "no pictures or videos in empty" in result.stderr


def test_nobody_is_a_plain_message_and_an_empty_cut_out(cut):
    _put("landscape.png", data=_file(np.full((50, 70, 3), 128, np.uint8)))
    result = cut("landscape.png")
    assert result.exit_code == 0
    assert result.stderr == "No person found in landscape.png.\n"
    assert not images.read("cutouts/landscape.png").alpha.any()


def test_transparency_of_the_picture_stays(cut, portrait):
    alpha = np.full((96, 160, 1), 255, np.uint8)
    alpha[:, 80:] = 51
    _put("me.png", data=_file(np.concatenate([portrait, alpha], axis=2)))
    assert cut("me.png").exit_code == 0
    written = images.read("cutouts/me.png").alpha
    assert written[60, 60] == 255
    assert written[60, 100] == 51


def test_json_says_what_became_of_each(cut, photo):
    _put("photos/a.jpg", data=photo)
    _put("photos/b.jpg", data=b"no")
    result = cut("photos", "-o", "out", "--json")
    assert result.exit_code == 1
    good, bad = json.loads(result.stdout)
    assert good["input"] == "photos/a.jpg"
    assert good["output"] == "out/a.png"
    assert (good["width"], good["height"]) == (160, 96)
    assert good["presence"] > 0.9
    assert good["person"] is True
    assert list(good["ms"]) == ["decode", "mask", "compose", "encode"]
    assert good["error"] is None
    assert "not a readable image" in bad["error"]


def test_the_pixel_limit_is_a_flag(cut, photo):
    _put("me.png", data=photo)
    result = cut("me.png", "--max-megapixels", "0.01")
    assert result.exit_code == 1
    assert "160 x 96" in result.stderr
    assert "--max-megapixels" in result.stderr
    assert cut("me.png", "--max-megapixels", "0.02").exit_code == 0


def test_a_pipe(cut, photo):
    result = cut("-", stdin=photo)
    assert result.exit_code == 0
    frame, alpha = images.read(result.stdout_bytes)
    assert frame.shape == (96, 160, 3)
    assert alpha[60, 80] == 255
    assert cut("-", "-o", "a.webp", stdin=photo).exit_code == 0
    assert images.read("a.webp").frame.shape == (96, 160, 3)
    assert cut("-", "-o", "a.webp", stdin=photo).exit_code == 1  # it is there already
    _put("me.png", data=photo)
    assert cut("me.png", "-o", "-").stdout_bytes == result.stdout_bytes


@pytest.mark.parametrize("stdin", [b"", b"text", b"\x89PNG\r\n\x1a\n"])
def test_a_pipe_with_no_picture_fails_in_one_line(cut, stdin):
    result = cut("-", stdin=stdin)
    assert result.exit_code == 1
    assert result.stdout_bytes == b""
    assert len(result.stderr.splitlines()) == 1


def test_a_model_that_is_none_fails_in_one_line(cut, photo):
    _put("me.png", "model.onnx", data=photo)
    result = cut("me.png", model=Path("model.onnx"))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_a_real_process_ends_without_a_traceback(green_model, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"bad")
    words = [sys.executable, "-m", "fastportrait", "cut", "bad.jpg", "--model", str(green_model)]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("bad.jpg: is not a readable image")
    assert len(result.stderr.splitlines()) == 1
