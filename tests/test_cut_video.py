"""`fastportrait cut` with videos as a user meets it: names, folders, second runs, Ctrl-C, kills."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import clips
from fastportrait.cli import cut_video, main
from fastportrait.media.pipeline import Pipeline

pytest.importorskip("av")
pytest.importorskip("onnx")


@pytest.fixture
def cut(green_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        words = [*map(str, arguments), "--model", str(green_model)]
        result = CliRunner().invoke(main, ["cut", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return run


def test_a_video_becomes_a_transparent_webm(cut):
    clips.make("clip.mp4", frames=4)
    result = cut("clip.mp4")
    assert result.exit_code == 0, result.output
    assert "cutouts/clip.webm (96 x 64, 4 frames, 0.1 s, at " in result.stderr
    assert cut("clip.mp4").stderr == "cutouts/clip.webm is there already; --overwrite does it again.\n"


def test_photos_and_videos_of_a_folder_are_done_together(cut, portrait):
    Path("in/deep").mkdir(parents=True)
    Image.fromarray(portrait).save("in/me.png")
    clips.make("in/me.mp4", frames=3)
    clips.make("in/deep/me.mov", frames=3)
    Path("in/broken.mp4").write_text("no video")
    result = cut("in", "-o", "out", "--json")
    assert result.exit_code == 1
    assert sorted(path.as_posix() for path in Path("out").rglob("*.*")) == [
        "out/deep/me.webm", "out/me.png", "out/me.webm",
    ]  # fmt: skip
    reports = {report["input"]: report for report in json.loads(result.stdout)}
    assert reports["in/me.mp4"]["frames"] == 3
    assert reports["in/me.mp4"]["person"] is True
    assert "not a readable video" in reports["in/broken.mp4"]["error"]
    assert "3 done, 1 failed" in result.stderr


def test_a_background_or_a_mask_makes_an_mp4(cut):
    clips.make("clip.mp4", frames=3)
    assert cut("clip.mp4", "--background", "#102030").exit_code == 0
    assert cut("clip.mp4", "--mask").exit_code == 0
    assert sorted(os.listdir("cutouts")) == ["clip-mask.mp4", "clip.mp4"]


def test_a_video_behind_a_photo_is_its_first_frame(cut, portrait):
    Image.fromarray(portrait).save("me.png")
    clips.make("back.mp4", frames=2, pixels=[np.full((64, 96, 3), (200, 40, 40), np.uint8)] * 2)
    assert cut("me.png", "--background", "back.mp4").exit_code == 0
    assert np.abs(np.asarray(Image.open("cutouts/me.png"))[5, 5, :3].astype(int) - (200, 40, 40)).max() < 12


def test_what_cannot_be_is_refused_before_any_work(cut):
    clips.make("clip.mp4", frames=2)
    before = Path("clip.mp4").read_bytes()
    for arguments, word in (
        (["-o", "out.mp4"], "cannot hold transparency"),
        (["-o", "out.png"], "out-%06d.png"),
        (["-o", "out.mov", "--codec", "vp9"], "cannot hold VP9"),
        (["--codec", "h264"], "--codec h264: .webm cannot hold H.264"),
    ):
        result = cut("clip.mp4", *arguments)
        assert result.exit_code == 2, result.output
        assert word in result.stderr
    result = cut("clip.mp4", "-o", "clip.mp4", "--background", "red", "--overwrite")
    assert result.exit_code == 1
    assert "which is an input" in result.stderr
    assert Path("clip.mp4").read_bytes() == before
    Path("back.partial.mp4").write_bytes(before)
    result = cut("back.partial.mp4", "clip.mp4", "--background", "red", "-o", "x/")
    assert result.exit_code == 0
    result = cut("back.partial.mp4", "-o", "back.mp4", "--background", "red")
    assert "which is an input" in result.stderr
    assert Path("back.partial.mp4").read_bytes() == before


def test_ctrl_c_leaves_what_is_done_whole_and_says_where(cut, monkeypatch):
    clips.make("clip.mp4", frames=300)

    def watch(self: object, done: int, expected: int | None) -> None:
        assert expected == 300
        if 0 < done < 300:
            raise KeyboardInterrupt

    monkeypatch.setattr(cut_video._Bar, "watch", watch)
    result = cut("clip.mp4", "-o", "out.mp4", "--background", "red")
    assert result.exit_code == 130
    assert "Stopped: out.partial.mp4 has the first" in result.stderr
    assert not Path("out.mp4").exists()
    assert 0 < len(clips.times("out.partial.mp4")) < 300


KILL = """
import os, sys
from pathlib import Path
from fastportrait import Segmenter
from fastportrait.media import film
def watch(done, expected):
    if done >= 120:
        os.kill(os.getpid(), 9)
wish = film.Wish((9, 9, 9) if "mp4" in sys.argv[2] else None)
film.cut(Path(sys.argv[1]), sys.argv[2], Segmenter(sys.argv[3], threads=1), wish, watch)
"""


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "target", ["out.mp4", pytest.param("out.webm", marks=SLOW), pytest.param("out.mov", marks=SLOW)]
)
def test_a_kill_leaves_a_part_that_plays(green_model, tmp_path, target):
    source = clips.make(tmp_path / "in.mp4", frames=300, pts=[3000 * i for i in range(300)], sounds=1)
    before = source.read_bytes()
    arguments = [str(source), str(tmp_path / target), str(green_model)]
    run = subprocess.run([sys.executable, "-c", KILL, *arguments], check=False, capture_output=True)
    assert run.returncode == -9, run.stderr
    partial = tmp_path / f"out.partial{Path(target).suffix}"
    assert not (tmp_path / target).exists()
    found = clips.times(partial)
    assert len(found) >= 40
    assert found == clips.times(source)[: len(found)]
    assert clips.samples(partial).size
    assert source.read_bytes() == before


def test_what_fails_in_one_stage_stops_all_and_is_raised():
    def fail(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    seen: list[int] = []
    pipeline = Pipeline(iter(range(1000)), {"fail": fail, "keep": seen.append})
    with pytest.raises(ValueError, match="five"):
        pipeline.run()
    assert seen == list(range(len(seen)))
    assert len(seen) <= 5


def test_a_slow_end_holds_up_the_start():
    given: list[int] = []
    ahead: list[int] = []

    def source():
        for index in range(100):
            given.append(index)
            yield index

    Pipeline(source(), {"pass": lambda item: item, "end": lambda item: ahead.append(len(given) - item)}).run()
    assert len(ahead) == 100
    assert max(ahead) <= 11  # two queues of three, and one in the hands of each


def test_a_broken_source_is_raised_too():
    def source():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Pipeline(source(), {"end": print}).run()


@pytest.mark.slow
@pytest.mark.long
def test_an_hour_takes_no_more_memory_than_a_minute(green_model, tmp_path):
    """18,000 frames of 320 x 180 at 5 a second, through all of it with a small network."""
    source = tmp_path / "hour.mp4"
    count, pixels = 18_000, Moving(180, 320)
    clips.make(source, frames=count, size=(180, 320), pts=[6000 * i for i in range(count)], pixels=pixels)
    code = (
        "import sys, resource\nfrom pathlib import Path\nimport cv2\ncv2.setNumThreads(1)\n"
        "from fastportrait import Segmenter\nfrom fastportrait.media import film\n"
        "peak = {}\n"
        "def watch(done, expected):\n"
        "    peak.setdefault(done // 300, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "made = film.cut(Path(sys.argv[1]), sys.argv[2], Segmenter(sys.argv[3], threads=1), "
        "film.Wish((9, 99, 9)), watch)\n"
        "end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(made.frames, made.took, min(v for k, v in peak.items() if k >= 1), end)\n"
    )
    words = [sys.executable, "-c", code, str(source), str(tmp_path / "out.mp4"), str(green_model)]
    run = subprocess.run(words, check=True, capture_output=True, text=True)
    frames, took, minute, hour = map(float, run.stdout.split())
    memory = f"{minute / 1024:.0f} MiB after a minute, {hour / 1024:.0f} at last"
    print(f"{frames:.0f} frames, {took:.0f} s, {memory}")
    assert frames == count
    assert hour - minute < 24 * 1024  # KiB
    assert clips.times(tmp_path / "out.mp4") == clips.times(source)


class Moving:
    """Pictures drawn when they are asked for."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)

    def __getitem__(self, index: int) -> np.ndarray:
        return clips.picture(index // 5 % 40, *self._size)
