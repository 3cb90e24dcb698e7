"""Videos through `film.cut`: time, sound, colours and sizes are what they were; what is broken says so."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import clips
from fastportrait.media import encoders, film
from fastportrait.media.shot import VideoError
from fastportrait.media.videos import Video

av = pytest.importorskip("av")
pytest.importorskip("onnx")

BLUE = (30, 60, 200)


@pytest.fixture(scope="module")
def segmenter(green_model):
    from fastportrait import Segmenter

    return Segmenter(green_model, threads=1)


@pytest.fixture
def cut(segmenter, tmp_path):
    """`cut("in.mp4", "out.mp4")` in an empty folder."""

    def run(source: Path, target: str, **wish: object) -> tuple[film.Made, Path]:
        wish.setdefault(
            "background", None if target.endswith((".webm", ".mov", ".gif", ".webp", ".png")) else BLUE
        )
        made = film.cut(source, str(tmp_path / target), segmenter, film.Wish(**wish))
        assert not list(tmp_path.glob("*.partial*"))
        return made, tmp_path / target

    return run


def look(path: Path, index: int = 5) -> tuple[np.ndarray, np.ndarray | None]:
    with Video(path) as video:
        shot = [shot for shot, _ in zip(video, range(index + 1), strict=False)][-1]
        return shot.frame, shot.alpha


# --- time


@pytest.mark.parametrize("target", ["out.mp4", "out.mov"])
def test_uneven_time_stamps_are_kept_exactly(cut, tmp_path, target):
    source = clips.make(tmp_path / "in.mp4")
    made, path = cut(source, target)
    assert clips.times(path) == clips.times(source) == [s * clips.TIME_BASE for s in clips.stamps(12)]
    assert made.frames == 12
    with av.open(str(source)) as before, av.open(str(path)) as after:
        assert after.streams.video[0].duration * after.streams.video[0].time_base == (
            before.streams.video[0].duration * before.streams.video[0].time_base
        )


@pytest.mark.parametrize(
    ("target", "tick"), [("out.webm", Fraction(1, 1000)), ("out.mkv", Fraction(1, 1000))]
)
def test_elsewhere_they_are_within_a_tick(cut, tmp_path, target, tick):
    source = clips.make(tmp_path / "in.mp4")
    _, path = cut(source, target)
    for before, after in zip(clips.times(source), clips.times(path), strict=True):
        assert abs(before - after) <= tick


@pytest.mark.parametrize(("target", "tick"), [("out.gif", 10), ("out.webp", 1)])
def test_animations_keep_time_to_a_tick(cut, tmp_path, target, tick):
    source = clips.make(tmp_path / "in.mp4")
    _, path = cut(source, target)
    times, now = [], 0
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            times.append(now)
            now += image.info["duration"]
    assert len(times) == 12
    for before, after in zip(clips.times(source), times, strict=True):
        assert abs(float(before) * 1000 - after) <= tick


def test_a_video_that_starts_late_still_does(cut, tmp_path):
    source = clips.make(tmp_path / "in.mp4", pts=[9000 + s for s in clips.stamps(8)], sounds=1)
    _, path = cut(source, "out.mp4")
    assert clips.times(path) == clips.times(source)
    assert clips.times(path)[0] == Fraction(3, 10)


def test_an_animation_leaves_out_what_it_cannot_show(cut, tmp_path):
    source = clips.make(tmp_path / "in.mp4", pts=[250 * i for i in range(12)])  # 120 a second
    made, path = cut(source, "out.gif")
    assert any("left out" in note for note in made.notes)
    with Image.open(path) as image:
        assert 4 <= image.n_frames <= 6


# --- upright, of any size


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_a_turned_phone_video_comes_out_upright(cut, tmp_path, rotation):
    upright = [clips.picture(0, 64, 96)] * 6
    stored = [np.ascontiguousarray(np.rot90(frame, -rotation // 90)) for frame in upright]
    source = clips.make(
        tmp_path / "in.mp4", frames=6, size=stored[0].shape[:2], pixels=stored, rotation=rotation
    )
    made, path = cut(source, "out.mp4", background=BLUE)
    assert (made.width, made.height) == (96, 64)
    frame, _ = look(path, 3)
    assert np.abs(frame[40, 48].astype(int) - clips.GREEN).max() < 12
    assert np.abs(frame[4, 48].astype(int) - BLUE).max() < 12


def test_a_mirrored_display_matrix_is_undone():
    from fastportrait.media.turn import Turn

    pixels = np.arange(6).reshape(2, 3).astype(np.uint8)
    assert Turn(left_right=True)(pixels).tolist() == [[2, 1, 0], [5, 4, 3]]
    assert Turn(True, True, False)(pixels).tolist() == [[3, 0], [4, 1], [5, 2]]  # a quarter clockwise


@pytest.mark.parametrize("target", ["out.mp4", "out.webm", "out.mov", "out.gif", "out.webp"])
def test_odd_sizes(cut, tmp_path, target):
    source = clips.make(tmp_path / "in.mkv", size=(63, 97), kind="yuv444p", frames=4)
    made, path = cut(source, target)
    if target == "out.mp4":
        assert any("98 x 64" in note for note in made.notes)
    if target.endswith((".gif", ".webp")):
        with Image.open(path) as image:
            assert image.size == (97, 63)
        return
    frame, _ = look(path, 2)
    assert frame.shape[:2] == {"out.mp4": (64, 98), "out.mov": (63, 98), "out.webm": (63, 97)}[target]


# --- sound and subtitles


@pytest.mark.parametrize("target", ["out.mp4", "out.mov", "out.mkv"])
def test_sound_is_copied_packet_by_packet(cut, tmp_path, target):
    source = clips.make(tmp_path / "in.mp4", sounds=1, frames=30)
    _, path = cut(source, target, background=BLUE)
    assert clips.packets(path, "audio") == clips.packets(source, "audio")
    if target != "out.mkv":
        assert np.array_equal(clips.samples(path), clips.samples(source))


def test_every_sound_track_comes_along(cut, tmp_path):
    source = clips.make(tmp_path / "in.mp4", sounds=2)
    _, path = cut(source, "out.mp4")
    for track in (0, 1):
        assert clips.packets(path, "audio", track) == clips.packets(source, "audio", track)
    assert clips.packets(path, "audio", 0) != clips.packets(path, "audio", 1)


def test_sound_that_webm_cannot_hold_is_converted_and_says_so(cut, tmp_path):
    source = clips.make(tmp_path / "in.mp4", sounds=1, frames=30)
    made, path = cut(source, "out.webm")
    assert any("converted from aac to opus" in note for note in made.notes)
    heard, before = clips.samples(path)[0], clips.samples(source)[0]
    assert abs(len(heard) - len(before)) < 1100
    middle = slice(9600, 38400)  # a pure tone of 440 Hz, 264 periods
    assert np.abs(np.fft.rfft(heard[middle])).argmax() == np.abs(np.fft.rfft(before[middle])).argmax() == 264


def test_pcm_is_copied_into_mov_and_converted_for_mp4(cut, tmp_path):
    source = clips.make(tmp_path / "in.mov", sounds=1, sound="pcm_s16le")
    _, path = cut(source, "out.mov")
    assert b"".join(clips.packets(path, "audio")) == b"".join(clips.packets(source, "audio"))
    made, _ = cut(source, "out.mp4")
    assert any("converted from pcm_s16le to aac" in note for note in made.notes)


def test_no_sound_and_animations_without_it(cut, tmp_path):
    made, path = cut(clips.make(tmp_path / "silent.mp4", frames=4), "out.mp4")
    assert made.notes == []
    with av.open(str(path)) as file:
        assert not file.streams.audio
    made, _ = cut(clips.make(tmp_path / "loud.mp4", frames=4, sounds=1), "out.gif")
    assert any("sound" in note and "left out" in note for note in made.notes)


@pytest.mark.parametrize(
    ("source", "text", "target"), [("in.mkv", "srt", "out.mkv"), ("in.mp4", "mov_text", "out.mp4")]
)
def test_subtitles_are_copied(cut, tmp_path, source, text, target):
    clip = clips.make(tmp_path / source, words=["Good day", "¡Adiós!"], text=text)
    _, path = cut(clip, target)
    said = [
        data for data in clips.packets(path, "subtitles") if len(data) > 2
    ]  # in mp4 an empty one ends the last
    assert said == clips.packets(clip, "subtitles")


def test_subtitles_are_converted_where_they_must_be(cut, tmp_path):
    clip = clips.make(tmp_path / "in.mkv", words=["Good day", "¡Adiós!"])
    made, path = cut(clip, "out.mp4")
    assert any("subrip to mov_text" in note for note in made.notes)
    found = [data[2:].decode() for data in clips.packets(path, "subtitles") if len(data) > 2]
    assert found == ["Good day", "¡Adiós!"]
    _, path = cut(path, "back.webm")
    assert [data.decode() for data in clips.packets(path, "subtitles")] == found


# --- colours


@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_honoured_and_kept(cut, tmp_path, matrix, full):
    tags = {"colorspace": matrix, "color_range": 2 if full else 1}
    source = clips.make(tmp_path / "in.mp4", tags=tags, frames=4, options={"crf": "1"})
    frame, _ = look(source, 2)
    assert np.abs(frame[40, 48].astype(int) - clips.GREEN).max() <= 3
    assert np.abs(frame[4, 4].astype(int) - clips.GREY).max() <= 3
    _, path = cut(source, "out.mp4", background=BLUE)
    frame, _ = look(path, 2)
    assert np.abs(frame[40, 48].astype(int) - clips.GREEN).max() <= 5
    assert np.abs(frame[4, 4].astype(int) - BLUE).max() <= 5
    with Video(path) as video:
        assert (video.colours.matrix, video.colours.full) == (matrix, full)


@pytest.mark.parametrize(("target", "depth"), [("out.mp4", 10), ("out.mov", 10)])
def test_ten_bits_stay_ten(cut, tmp_path, target, depth):
    ramp = np.zeros((64, 96, 3), np.uint16)
    ramp[..., 1] = np.linspace(40000, 44000, 96).astype(np.uint16)  # about 64 of 1024 steps, 16 of 256
    source = clips.make(
        tmp_path / "in.mkv", kind="yuv420p10le", frames=4, pixels=[ramp] * 4, options={"crf": "0"}
    )
    _, path = cut(source, target, background=BLUE)
    with Video(path, deep=True) as video:
        assert video.colours.depth >= depth or target == "out.mov"
        shot = next(iter(video))
        assert shot.deep is not None
        row = shot.deep[32, :, 1].astype(int) // 64
    assert len(set(row.tolist())) > 24
    assert np.abs(shot.deep[32, 8:-8].astype(int) - ramp[32, 8:-8]).max() < 1200


def test_ten_bits_become_eight_with_a_word_where_they_must(cut, tmp_path):
    source = clips.make(tmp_path / "in.mkv", kind="yuv420p10le", frames=4)
    made, path = cut(source, "out.webm")
    assert any("10 bits a colour become 8" in note for note in made.notes)
    _, alpha = look(path, 2)
    assert alpha is not None
    assert alpha[40, 48] > 250


@pytest.mark.parametrize(("curve", "transfer"), [("pq", 16), ("hlg", 18)])
def test_high_dynamic_range_is_toned_down_or_kept(cut, tmp_path, curve, transfer):
    from fastportrait.media import hdr

    signal = hdr.from_sdr(clips.picture(0, 64, 96), curve)
    tags = {"color_primaries": 9, "color_trc": transfer, "colorspace": 9, "color_range": 1}
    source = clips.make(
        tmp_path / "in.mkv",
        kind="yuv420p10le",
        frames=4,
        pixels=[signal] * 4,
        tags=tags,
        options={"crf": "1"},
    )
    frame, _ = look(source, 2)
    assert np.abs(frame[4, 4].astype(int) - clips.GREY).max() <= 4
    kept, path = cut(source, "kept.mp4", background=BLUE)
    assert not any("toned" in note for note in kept.notes)
    with Video(path) as video:
        assert (video.colours.transfer, video.colours.matrix, video.colours.depth) == (transfer, 9, 10)
        assert np.abs(next(iter(video)).frame[4, 4].astype(int) - BLUE).max() <= 10
    toned, path = cut(source, "toned.mp4", background=BLUE, codec="h264")
    assert any("toned down" in note for note in toned.notes)
    with Video(path) as video:
        assert video.colours.curve == "sdr"
        assert np.abs(next(iter(video)).frame[4, 4].astype(int) - BLUE).max() <= 6


def test_highlights_are_rolled_off_and_the_rest_stays():
    from fastportrait.media import hdr

    grey = np.repeat(np.arange(0, 200, 8, dtype=np.uint8)[None, :, None], 3, 2)
    for curve in ("pq", "hlg"):
        back = hdr.to_sdr(hdr.from_sdr(grey, curve), curve)
        assert np.abs(back.astype(int) - grey).max() <= 3
        steps = hdr.to_sdr(np.linspace(0, 49000, 64).astype(np.uint16)[None, :, None].repeat(3, 2), curve)
        assert (np.diff(steps[0, :, 0].astype(int)) >= 0).all()
        bright = hdr.to_sdr(np.full((1, 1, 3), 65535, np.uint16), curve)
        assert bright.min() >= 250


# --- every kind of output


@pytest.mark.parametrize("target", ["out.webm", "out.mov", "out.mkv"])
def test_video_with_alpha_decodes_with_it(cut, tmp_path, target):
    _, path = cut(clips.make(tmp_path / "in.mp4"), target, background=None)
    frame, alpha = look(path)
    assert alpha is not None
    assert alpha[40, 48] > 250
    assert alpha[4, 4] < 5
    assert np.abs(frame[40, 48].astype(int) - clips.GREEN).max() <= 8


def test_what_is_transparent_already_stays_so(cut, tmp_path):
    _, once = cut(clips.make(tmp_path / "in.mp4"), "once.webm")
    _, twice = cut(once, "twice.mov")
    _, alpha = look(twice)
    assert alpha is not None
    assert alpha[4, 4] < 5 < 250 < alpha[40, 48]


@pytest.mark.parametrize("target", ["out.gif", "out.webp", "out-%03d.png"])
def test_animations_and_pngs_decode_with_alpha(cut, tmp_path, target):
    _, path = cut(clips.make(tmp_path / "in.mp4", frames=4), target)
    with Image.open(str(path) % 3 if "%" in target else path) as image:
        if "%" not in target:
            assert image.n_frames == 4
            image.seek(2)
        pixels = np.asarray(image.convert("RGBA"))
    assert np.abs(pixels[40, 48, :3].astype(int) - clips.GREEN).max() <= 10
    assert (pixels[40, 48, 3], pixels[4, 4, 3]) == (255, 0)
    if "%" in target:
        times = (tmp_path / "out-times.txt").read_text().splitlines()
        assert times == ["# timestamp format v2", "0", "38", "76", "100"]


def test_masks_blur_and_another_video_behind(cut, tmp_path):
    source = clips.make(tmp_path / "in.mp4", frames=6)
    _, path = cut(source, "mask.mp4", background=None, as_mask=True)
    frame, _ = look(path, 3)
    assert frame[40, 48].min() > 250
    assert frame[4, 4].max() < 5
    _, path = cut(source, "blur.mp4", background="blur")
    frame, _ = look(path, 3)
    assert np.abs(frame[4, 4].astype(int) - clips.GREY).max() <= 6
    red = [np.full((32, 32, 3), (220, 30, 30), np.uint8)] * 2
    blue = [np.full((32, 32, 3), BLUE, np.uint8)] * 2
    back = clips.make(tmp_path / "back.mp4", pixels=[*red, *blue], pts=[0, 1000, 2000, 3000], size=(32, 32))
    _, path = cut(source, "film.mp4", background=back)
    corners = [look(path, index)[0][4, 4].astype(int) for index in range(6)]
    seen = ["red" if corner[0] > 150 else "blue" for corner in corners]
    assert seen == ["red", "red", "blue", "blue", "red", "red"]


def test_what_a_file_cannot_hold_is_refused_with_the_cure(cut, tmp_path):
    source = clips.make(tmp_path / "in.mp4", frames=4)
    with pytest.raises(VideoError, match=r"transparency; write .webm .* --background"):
        cut(source, "out.mp4", background=None)
    with pytest.raises(VideoError, match=r"-%06d.png"):
        cut(source, "out.png")
    with pytest.raises(VideoError, match=r"ending '.xyz'; use one of .mp4"):
        cut(source, "out.xyz")
    with pytest.raises(VideoError, match=r"cannot hold VP9; write .webm or .mkv"):
        cut(source, "out.mp4", codec="vp9")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]


def test_a_missing_encoder_is_replaced_with_a_word(cut, tmp_path, monkeypatch):
    there = encoders._there
    monkeypatch.setattr(
        encoders, "_there", lambda name: "264" not in name and "265" not in name and there(name)
    )
    made, path = cut(clips.make(tmp_path / "in.mp4"), "out.mp4")
    assert any("libx264 is missing here; mpeg4" in note for note in made.notes)
    assert clips.times(path) == clips.times(tmp_path / "in.mp4")
    monkeypatch.setattr(encoders, "_there", lambda name: False)
    with pytest.raises(VideoError, match=r"no encoder for VP9"):
        encoders.choose(".webm", transparent=True, codec=None, depth=8)


def test_without_pyav_the_message_says_what_to_install(tmp_path, monkeypatch):
    source = clips.make(tmp_path / "in.mp4", frames=2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(VideoError, match=r"pip install 'fastportrait\[video\]'"):
        Video(source)


# --- what is broken


def test_files_that_are_no_videos_say_so(tmp_path):
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("not a video " * 100)
    empty.touch()
    for path, word in (
        (text, "not a readable video"),
        (empty, "is empty"),
        (tmp_path, r"is not a file|directory"),
    ):
        with pytest.raises((VideoError, OSError), match=word):
            Video(path)
    with pytest.raises(FileNotFoundError):
        Video("https://example.org/clip.mp4")


def test_zero_frames_are_a_clear_error(tmp_path):
    sound = clips.make(tmp_path / "sound.mp4", pts=[], sounds=1)
    with pytest.raises(VideoError, match="no pictures in it, only sound"):
        Video(sound)
    whole = clips.make(tmp_path / "in.mkv").read_bytes()
    headers = tmp_path / "headers.mkv"
    headers.write_bytes(whole[: whole.index(b"\x1f\x43\xb6\x75")])  # up to the first cluster
    with pytest.raises(VideoError, match=r"no frame that can be decoded|not a readable video"):
        Video(headers)


def test_a_playlist_that_names_other_files_is_not_followed(tmp_path):
    clips.make(tmp_path / "other.mp4", frames=2)
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoError, match="not a readable video"):
        Video(playlist)
    playlist.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(VideoError, match="not a readable video"):
        Video(playlist)


def test_a_file_that_is_cut_off_gives_what_is_there_and_says_so(cut, tmp_path):
    noise = np.random.default_rng(0)
    pixels = [noise.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(20)]
    source = clips.make(tmp_path / "in.mp4", frames=20, pixels=pixels, muxer={"movflags": "faststart"})
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 2 // 3])
    made, path = cut(source, "out.mp4")
    assert 5 < made.frames < 20
    assert any("cut off" in note or "damaged" in note for note in made.notes)
    assert len(clips.times(path)) == made.frames


def test_a_broken_frame_shows_the_one_before_and_is_counted(cut, tmp_path):
    source = clips.make(tmp_path / "in.mkv", frames=12, options={"bf": "0", "g": "1", "slices": "1"})
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as file:
        found = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    start, size = found[6]
    at = data.index(_payload(source, 6), start)
    data[at + 4 : at + size] = bytes(size - 4)
    source.write_bytes(data)
    made, path = cut(source, "out.mkv", background=BLUE)
    assert (made.frames, made.concealed) == (12, 1)
    assert any("1 broken frame" in note for note in made.notes)
    stamps = [s * clips.TIME_BASE for s in clips.stamps(12)]
    assert all(abs(a - b) <= Fraction(2, 1000) for a, b in zip(clips.times(path), stamps, strict=True))


def _payload(path: Path, index: int) -> bytes:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(video=0) if packet.size][index]


def test_the_size_may_change_midway(cut, tmp_path):
    parts = [
        clips.make(
            tmp_path / f"{n}.ts",
            frames=4,
            size=size,
            pts=[3003 * i for i in range(4 * n, 4 * n + 4)],
            time_base=Fraction(1, 90000),
        )
        for n, size in enumerate([(64, 96), (96, 128)])
    ]
    both = tmp_path / "both.m2ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    made, _ = cut(both, "out.mp4")
    assert (made.width, made.height) == (96, 64)
    assert made.frames >= 7


def test_what_an_encoder_says_is_one_line_and_leaves_nothing(cut, tmp_path, monkeypatch):
    source = clips.make(tmp_path / "in.mp4", frames=4)
    monkeypatch.setitem(encoders.H264, "preset", "no-such-preset")
    with pytest.raises(VideoError, match=r"cannot be written to .*out.mp4: "):
        cut(source, "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_damaged_bytes_anywhere_are_read_or_refused_in_one_line(tmp_path, ending):
    whole = clips.make(tmp_path / f"in{ending}", frames=6, sounds=1).read_bytes()
    random = np.random.default_rng(0)
    path, read, said = tmp_path / f"damaged{ending}", 0, list[str]()
    for _ in range(40):
        data = bytearray(whole)
        for at in random.integers(0, len(data), random.integers(1, 40)):
            data[at] = random.integers(0, 256)
        path.write_bytes(data)
        try:
            with Video(path) as video:
                read += sum(shot.frame.shape[2] == 3 for shot in video) > 0
        except VideoError as error:
            said.append(str(error))
    assert read > 0
    assert not any("\n" in line for line in said)
