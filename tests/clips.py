"""Small videos that tests make: a green block, the person of the green model, on grey, moving a little."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GREEN, GREY = (20, 220, 40), 128
TIME_BASE = Fraction(1, 30000)


def picture(index: int, height: int, width: int) -> NDArray[np.uint8]:
    """The block fills the lower three quarters and the middle half, `index` pixels to the right."""
    frame = np.full((height, width, 3), GREY, np.uint8)
    left = width // 4 + index
    frame[height // 4 :, left : left + width // 2] = GREEN
    return frame


def stamps(count: int) -> list[int]:
    """Uneven, in ticks of TIME_BASE: about 30 frames a second."""
    return [1001 * i + 137 * (i % 3) for i in range(count)]


def make(
    path: Path | str,
    *,
    frames: int = 12,
    size: tuple[int, int] = (64, 96),
    codec: str = "libx264",
    kind: str = "yuv420p",
    pts: list[int] | None = None,
    time_base: Fraction = TIME_BASE,
    rotation: int = 0,
    sounds: int = 0,
    sound: str = "aac",
    words: list[str] | None = None,
    text: str = "srt",
    tags: dict[str, int] | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    pixels: list[NDArray[Any]] | None = None,
) -> Path:
    """A clip at `path`; `size` is (height, width) as stored, `pixels` what is drawn instead."""
    import av

    height, width = size
    pts = stamps(frames) if pts is None else pts
    with av.open(str(path), "w", options=muxer or {}) as out:
        stream: Any = None
        if pts:
            given = {"preset": "ultrafast"} if codec.startswith("libx26") else {}
            if codec == "libx265":
                given["x265-params"] = "log-level=none"
            stream = out.add_stream(codec, rate=30, options={**given, **(options or {})})
            stream.width, stream.height, stream.pix_fmt = width, height, kind
            stream.codec_context.time_base = stream.time_base = time_base
            for name, value in (tags or {}).items():
                setattr(stream.codec_context, name, value)
            if rotation:
                stream.set_display_rotation(rotation)
        tones = [_sound(out, sound) for _ in range(sounds)]
        said: Any = out.add_mux_stream({"srt": "subrip"}.get(text, text)) if words else None
        for index, tone in enumerate(tones):
            _tone(out, tone, 440 * (index + 1), max(1.0, len(pts) / 30), sound)
        for index, line in enumerate(words or []):
            packet = av.Packet(
                len(line.encode()).to_bytes(2, "big") + line.encode() if text == "mov_text" else line.encode()
            )
            packet.stream, packet.time_base = said, Fraction(1, 1000)
            packet.pts = packet.dts = 100 * index
            packet.duration = 100
            out.mux(packet)
        for index, stamp in enumerate(pts):
            drawn = picture(index, height, width) if pixels is None else pixels[index]
            frame = av.VideoFrame.from_ndarray(
                drawn, format="rgb24" if drawn.dtype == np.uint8 else "rgb48le"
            )
            frame = frame.reformat(
                format=kind, dst_colorspace=_matrix(tags), dst_color_range=(tags or {}).get("color_range", 1)
            )
            frame.pts, frame.time_base = stamp, time_base
            out.mux(stream.encode(frame))
        if stream is not None:
            out.mux(stream.encode(None))
    return Path(path)


def _matrix(tags: dict[str, int] | None) -> int:
    """swscale's number of the matrix: 1 is BT.709, 5 BT.601, 9 BT.2020."""
    return {1: 1, 9: 9}.get((tags or {}).get("colorspace", 2), 5)


def _sound(out: Any, codec: str) -> Any:
    stream = out.add_stream(codec, rate=48000)
    stream.codec_context.layout = "stereo"
    return stream


def _tone(out: Any, stream: Any, hertz: int, seconds: float, codec: str) -> None:
    import av

    kind = stream.codec_context.format.name
    for start in range(0, round(seconds * 48000), 1024):
        wave = 0.3 * np.sin(2 * np.pi * hertz * (start + np.arange(1024)) / 48000)
        planes = np.stack([wave, wave])
        if kind.startswith("s16"):
            planes = np.rint(planes * 32767).astype(np.int16)
            planes = planes.T.reshape(1, -1) if kind == "s16" else planes
        else:
            planes = planes.astype(np.float32)
            planes = planes.T.reshape(1, -1) if kind == "flt" else planes
        frame = av.AudioFrame.from_ndarray(planes, format=kind, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def times(path: Path | str) -> list[Fraction]:
    """Seconds of every frame of the first video stream, as it is shown."""
    import av

    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        return [frame.pts * frame.time_base for frame in file.decode(stream)]


def packets(path: Path | str, kind: str, index: int = 0) -> list[bytes]:
    """The payloads of one stream of "audio" or "subtitles"."""
    import av

    with av.open(str(path)) as file:
        stream = getattr(file.streams, kind)[index]
        return [bytes(packet) for packet in file.demux(stream) if packet.size]


def samples(path: Path | str, index: int = 0) -> NDArray[np.float32]:
    """What is heard: (channels, N)."""
    import av

    with av.open(str(path)) as file:
        return np.concatenate(
            [frame.to_ndarray() for frame in file.decode(file.streams.audio[index])], axis=1
        )
