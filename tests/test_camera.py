"""The camera without a camera: a file at its real rate, a device that is unplugged, checked numbers."""

import json
import sys
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import clips
from fastportrait.cli import main
from fastportrait.media import camera
from fastportrait.media.camera import CameraError, Device, Live, Player
from fastportrait.media.live import Newest, Recorder, Stage

pytest.importorskip("av")
pytest.importorskip("onnx")


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def read_all(player: Player, clock: Clock, work: float) -> list[float]:
    """When each frame was given, each taking `work` seconds until the next is asked for."""
    given = []
    while True:
        try:
            given.append(player.read().seconds - 100)
        except StopIteration:
            return given
        clock.now += work


def test_a_file_plays_at_its_own_rate(tmp_path):
    clip = clips.make(tmp_path / "in.mp4", frames=10)
    clock = Clock()
    player = Player(clip, clock=clock, sleep=clock.sleep)
    given = read_all(player, clock, work=0.01)
    assert given == pytest.approx([float(s * clips.TIME_BASE) for s in clips.stamps(10)])
    assert player.dropped == 0


def test_it_drops_frames_rather_than_falling_behind(tmp_path):
    clip = clips.make(tmp_path / "in.mp4", frames=31, pts=[1000 * i for i in range(31)])  # 30 a second
    clock = Clock()
    player = Player(clip, clock=clock, sleep=clock.sleep)
    given = read_all(player, clock, work=0.105)
    assert given == pytest.approx([i / 30 for i in (0, 3, 6, 9, 12, 15, 18, 22, 25, 28, 30)])
    assert player.dropped == 20


class Cable:
    """A device as OpenCV has it: frames, None for an unplugged cable, and whether it opens at all."""

    def __init__(self, script: list[Any]) -> None:
        self.script, self.opened, self.released = script, 0, 0

    def open(self, name: int | str) -> "Cable":
        self.opened += 1
        return self

    def isOpened(self) -> bool:
        return bool(self.script) and not isinstance(self.script[0], str)

    def read(self) -> tuple[bool, Any]:
        frame = self.script.pop(0)
        return frame is not None, frame

    def release(self) -> None:
        self.released += 1
        if self.script and isinstance(self.script[0], str):
            self.script.pop(0)


def test_an_unplugged_camera_is_waited_for_and_may_come_back_in_another_format():
    small, large = np.zeros((4, 6, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)
    small[..., 0] = 200  # blue, as OpenCV has it
    cable, clock, said = Cable([small, None, "gone", "gone", large]), Clock(), list[str]()
    device = Device(0, say=said.append, clock=clock, sleep=clock.sleep, open_device=cable.open)
    first = device.read()
    assert first is not None
    assert first.frame[0, 0].tolist() == [0, 0, 200]
    shapes = [None if (live := device.read()) is None else live.frame.shape for _ in range(3)]
    assert shapes == [None, None, (8, 10, 3)]
    assert said == ["The camera does not answer; plug it in again, it is waited for.", "The camera is back."]
    assert clock.slept
    assert set(clock.slept) == {camera.RETRY}


def test_a_camera_that_is_not_there_is_an_error():
    with pytest.raises(CameraError, match="no camera 3, or another program has it"):
        Device(3, say=print, open_device=Cable([]).open)


@pytest.fixture(scope="module")
def segmenter(green_model):
    from fastportrait import Segmenter

    return Segmenter(green_model, threads=1)


def test_each_frame_is_composed_and_its_lateness_counted(segmenter):
    clock = Clock()
    stage = Stage(segmenter, (30, 60, 200), clock=clock)
    for index in range(20):
        clock.now = 100.05 + index * 0.04 + (0.1 if index == 19 else 0)
        pixels = stage(Live(clips.picture(0, 64, 96), 100 + index * 0.04))
    assert np.abs(pixels[4, 4].astype(int) - (30, 60, 200)).max() <= 1
    assert np.abs(pixels[40, 48].astype(int) - clips.GREEN).max() <= 1
    numbers = stage.numbers()
    assert numbers.frames == 20
    assert numbers.latency_ms_p50 == pytest.approx(50, abs=0.1)
    assert 50 < numbers.latency_ms_p95 <= 150
    assert numbers.frames_per_second == pytest.approx(19 / 0.86, abs=0.01)


def test_backgrounds_and_the_mirror_change_while_it_runs_and_so_may_the_size(segmenter):
    stage = Stage(segmenter, (30, 60, 200))
    frame = clips.picture(0, 64, 96)
    frame[:, :8] = 255
    assert stage(Live(frame, 0.0))[4, 4].tolist() == [30, 60, 200]
    for _ in range(3):  # blur, green, as it is
        stage.next_background()
    assert np.array_equal(stage(Live(frame, 0.1)), frame)
    stage.mirror = True
    assert np.array_equal(stage(Live(frame, 0.2)), frame[:, ::-1])
    stage.next_background()
    larger = stage(Live(clips.picture(0, 128, 160), 0.3))
    assert larger.shape == (128, 160, 3)
    assert larger[4, 4].tolist() == [30, 60, 200]


def test_a_recording_keeps_times_and_its_first_size(tmp_path):
    first = Live(clips.picture(0, 64, 96), 7.0)
    recorder = Recorder(tmp_path / "out.mp4", first, (64, 96))
    for seconds, size in ((7.0, (64, 96)), (7.05, (64, 96)), (7.2, (128, 160))):
        recorder.write(Live(first.frame, seconds), clips.picture(0, *size))
    recorder.close()
    assert clips.times(tmp_path / "out.mp4") == [0, Fraction(1, 20), Fraction(1, 5)]


def test_only_the_newest_frame_is_kept():
    class Fast:
        dropped = 0

        def __init__(self) -> None:
            self.left = 50

        def read(self) -> Live:
            if not self.left:
                raise StopIteration
            self.left -= 1
            return Live(np.zeros((1, 1, 3), np.uint8), float(self.left))

        def close(self) -> None:
            pass

    newest = Newest(Fast())
    newest._thread.join(timeout=5)
    assert newest.read(0).seconds == 0.0
    assert newest.dropped == 49
    with pytest.raises(StopIteration):
        newest.read(0)
    newest.close()


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("http://1.1.1.1/live", "outside the local network"),
        ("ftp://127.0.0.1/x", "begins with one of"),
        ("file:///etc/passwd", "begins with one of"),
    ],
)
def test_streams_from_outside_are_not_opened(address, word):
    with pytest.raises(CameraError, match=word):
        camera.local(address)
    assert camera.local("rtsp://127.0.0.1:8554/cam") == "rtsp://127.0.0.1:8554/cam"


def test_a_file_goes_through_the_whole_command(tmp_path, green_model):
    clip = clips.make(tmp_path / "in.mp4", frames=10)
    words = ["--device", clip, "--headless", tmp_path / "out.mp4", "--background", "#1e3cc8", "--json"]
    result = CliRunner().invoke(main, ["camera", *map(str, words), "--model", str(green_model)])
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.stdout)
    assert numbers["frames"] + numbers["dropped"] == 10
    assert len(clips.times(tmp_path / "out.mp4")) == numbers["frames"] > 0
    assert numbers["latency_ms_p50"] <= numbers["latency_ms_p95"]


def test_a_virtual_camera_gets_every_frame(tmp_path, green_model, monkeypatch):
    """pyvirtualcam itself is under the GPL and never installed here; this stands for its interface."""
    sent: list[tuple[int, ...]] = []

    class Camera:
        device = "Virtual"

        def __init__(self, width: int, height: int, fps: float) -> None:
            self.width, self.height = width, height

        def send(self, pixels: np.ndarray) -> None:
            sent.append(pixels.shape)

        def close(self) -> None:
            pass

    package = ModuleType("pyvirtualcam")
    package.Camera = Camera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", package)
    clip = clips.make(tmp_path / "in.mp4", frames=5)
    words = ["--device", clip, "--headless", tmp_path / "out.mp4", "--virtual", "--model", green_model]
    result = CliRunner().invoke(main, ["camera", *map(str, words)])
    assert result.exit_code == 0, result.output
    assert "choose the camera 'Virtual'" in result.stderr
    assert set(sent) == {(64, 96, 3)}


def test_without_pyvirtualcam_it_says_how(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    result = CliRunner().invoke(main, ["camera", "--virtual", "--headless", "x.mp4"])
    assert result.exit_code == 1
    assert "pip install pyvirtualcam" in result.stderr
