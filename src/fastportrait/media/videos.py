"""Video files as frames: untrusted bytes to upright RGB with the file's own time stamps, sound beside them.

A file is a path on this machine, never an address, and what it is is decided by its content.
"""

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from . import colours, hdr
from .turn import Turn, turn_of

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".mpg", ".mpeg"),
    *(".3gp", ".3g2", ".flv", ".ogv", ".wmv", ".asf", ".mxf"),
)
"""Names that are taken for videos, in lower case."""

KINDS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf"
"""FFmpeg's names of the containers that are read. An allow-list: each one is a surface for attacks."""

MAX_PIXELS = 8192 * 8192


class VideoError(ValueError):
    """A video that cannot be read or written; the message is one line and goes after the file's name."""


def library() -> Any:
    """PyAV, which comes with the extra "video"."""
    try:
        import av
    except ImportError:
        raise VideoError("needs PyAV for videos; run: pip install 'fastportrait[video]'") from None
    return av


@dataclass
class Shot:
    """One frame and all that came before it in the file."""

    frame: NDArray[np.uint8]
    """(H, W, 3) RGB, upright, sRGB."""
    deep: NDArray[np.uint16] | None
    """(H, W, 3), the file's own signal at more than 8 bits, where it has them and they were asked for."""
    alpha: NDArray[Any] | None
    """(H, W), uint8 or uint16 as the file has it, where it has transparency."""
    pts: int
    """When it is shown, in `time_base`s of its video."""
    duration: int
    """How long, in the same; 0 where the file does not say."""
    concealed: bool
    """It could not be decoded, so this is the one before."""
    packets: list["Packet[Any]"] = field(default_factory=list)
    """Of sound and subtitles."""


class Video:
    """A file that is open and has at least one frame. Iterate once, then close.

    `concealed` counts the frames that could not be decoded, `notes` says what else was wrong.
    """

    def __init__(self, path: str | Path, *, deep: bool = False) -> None:
        """`deep` keeps more than 8 bits where there are more. Raises VideoError, and OSError for no file."""
        av = library()
        self.path, self.deep = Path(path), deep
        if not self.path.is_file():
            with open(self.path, "rb"):  # raises in the system's own words
                raise VideoError("is not a file")
        if not self.path.stat().st_size:
            raise VideoError("is empty (0 bytes)")
        allowed = {"format_whitelist": KINDS, "protocol_whitelist": "file"}
        try:
            self.container = av.open(
                "file:" + os.path.abspath(self.path), options=allowed, metadata_errors="replace"
            )
        except av.FFmpegError:
            raise VideoError(
                "is not a readable video: cut off, damaged, or of a kind not known here"
            ) from None
        try:
            self._begin(av)
        except BaseException:
            self.container.close()
            raise

    def _begin(self, av: Any) -> None:
        cover = av.stream.Disposition.attached_pic
        streams = [s for s in self.container.streams.video if not s.disposition & cover]
        if not streams:
            raise VideoError(
                "has no pictures in it" + (", only sound" if self.container.streams.audio else "")
            )
        self.stream = streams[0]
        codec = self.stream.codec_context
        if codec is None:
            raise VideoError("holds pictures of a kind that is not known here")
        if codec.width * codec.height > MAX_PIXELS:
            raise VideoError(
                f"is {codec.width} x {codec.height}; at most {MAX_PIXELS >> 20} megapixels are read"
            )
        self.tracks: list[Stream] = [s for s in self.container.streams if s.type in ("audio", "subtitle")]
        self.time_base: Fraction = self.stream.time_base or Fraction(1, 90000)
        self.rate = Fraction(self.stream.average_rate or self.stream.guessed_rate or 30)
        self.concealed, self.notes, self._frames = 0, list[str](), 0
        others = sum(s.type not in ("audio", "subtitle") for s in self.container.streams) - 1
        if others:
            self.notes.append(f"{others} more of its streams (pictures or data) left out")
        self._decoder = self._decoder_of(av, codec)
        self._turn, self._size = Turn(), (0, 0)
        self._shots = self._read(av)
        first = next(self._shots, None)
        if first is None:
            raise VideoError("has no frame that can be decoded")
        self._first = first
        self.height, self.width = first.frame.shape[:2]

    def _decoder_of(self, av: Any, codec: Any) -> Any:
        """The file's own decoder, with threads; for VP8 and VP9 with alpha the one that knows of alpha."""
        tags = {key.lower(): value for key, value in self.stream.metadata.items()}
        if tags.get("alpha_mode") == "1" and codec.name in ("vp8", "vp9"):
            return av.CodecContext.create({"vp8": "libvpx", "vp9": "libvpx-vp9"}[codec.name], "r")
        codec.thread_type = "AUTO"
        return codec

    @property
    def seconds(self) -> float | None:
        """How long the file says it is."""
        if self.stream.duration:
            return float(self.stream.duration * self.time_base)
        return self.container.duration / 1e6 if self.container.duration else None

    @property
    def count(self) -> int | None:
        """How many frames are to be expected: the file's word, else from its length."""
        if self.stream.frames:
            return int(self.stream.frames)
        return round(self.seconds * self.rate) if self.seconds else None

    @property
    def aspect(self) -> Fraction:
        """Width of an upright pixel over its height."""
        aspect = Fraction(self.stream.sample_aspect_ratio or 1) or Fraction(1)
        return 1 / aspect if self._turn.swap else aspect

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.container.metadata)

    @property
    def chapters(self) -> list[Any]:
        return list(self.container.chapters())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._shots.close()
        self.container.close()

    def __iter__(self) -> Iterator[Shot]:
        """Every frame in the order in which it is shown; the last one also has the packets after it."""
        held = self._first
        for shot in self._shots:
            yield held
            held = shot
        held.packets += self._waiting
        if self.stream.duration and self.stream.start_time is not None:
            left = self.stream.start_time + self.stream.duration - held.pts
            held.duration = left if 0 < left * self.time_base < 60 else held.duration
        yield held
        if self.stream.frames and self._frames < self.stream.frames:
            self.notes.append(f"cut off: {self._frames} of {self.stream.frames} frames are there")

    # --- decoding

    def _read(self, av: Any) -> Generator[Shot, None, None]:
        self._waiting: list[Packet[Any]] = []
        expected: list[int] = []  # time stamps of packets whose frames did not come yet
        broken, last = 0, None
        for frames, failed, stamp in self._decode(av):
            broken += failed
            if stamp is not None:
                expected.append(stamp)
            for frame in frames:
                shot = self._shot(frame, last)
                if last is not None and broken:
                    yield from self._lost(last, [p for p in expected if last.pts < p < shot.pts])
                expected = [p for p in expected if p > shot.pts]
                yield shot
                last = shot
        if last is not None and broken:
            yield from self._lost(last, expected)

    def _decode(self, av: Any) -> Iterator[tuple[list["VideoFrame"], int, int | None]]:
        """Frames, how many packets failed (0 or 1), and the time stamp of the packet."""
        packets = self.container.demux(self.stream, *self.tracks)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.FFmpegError as error:
                self.notes.append(f"damaged: reading stopped after {self._frames} frames ({error.strerror})")
                break
            if packet.stream is not self.stream:
                if packet.size:
                    self._waiting.append(packet)
            elif packet.size:
                stamp = None if packet.is_discard else packet.pts
                try:
                    yield self._decoder.decode(packet), 0, stamp
                except av.FFmpegError:
                    yield [], 1, stamp
        while True:  # the end: what the decoder still holds
            try:
                yield self._decoder.decode(None), 0, None
                return
            except av.FFmpegError:
                yield [], 1, None
                return

    def _shot(self, frame: "VideoFrame", last: Shot | None) -> Shot:
        if not self._frames:
            self._turn = turn_of(frame)
            self._size = (frame.width, frame.height)
            self.colours = colours.colours_of(frame)
        pts = frame.pts if frame.pts is not None else frame.dts
        step = max(1, round(1 / (self.rate * self.time_base)))
        if pts is None:
            pts = 0 if last is None else last.pts + (last.duration or step)
        if last is not None and pts <= last.pts:
            pts = last.pts + 1
            self._say("time stamps that ran backwards were set right")
        self._frames += 1
        packets, self._waiting = self._waiting, []
        if last is not None and frame.is_corrupt:
            self.concealed += 1
            return Shot(last.frame, last.deep, last.alpha, pts, frame.duration or 0, True, packets)
        if (frame.width, frame.height) != self._size:
            frame = frame.reformat(*self._size, interpolation="AREA")
            self._say("its size changes midway; all frames have the first one's")
        pixels, deep, alpha = self._pixels(frame)
        return Shot(pixels, deep, alpha, pts, frame.duration or 0, False, packets)

    def _pixels(
        self, frame: "VideoFrame"
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint16] | None, NDArray[Any] | None]:
        known, deep = self.colours, None
        wide = known.depth > 8 and self.deep
        if wide or known.curve != "sdr":
            signal, alpha = colours.to_rgb(frame, known, deep=True)
            signal = self._turn(signal)
            deep = signal if wide else None
            rgb = (
                cv2.convertScaleAbs(signal, alpha=1 / 257)
                if known.curve == "sdr"
                else hdr.to_sdr(signal, known.curve)
            )
        else:
            rgb, alpha = colours.to_rgb(frame, known, deep=False)
            rgb = self._turn(rgb)
        return np.asarray(rgb, np.uint8), deep, None if alpha is None else self._turn(alpha)

    def _lost(self, last: Shot, stamps: list[int]) -> Iterator[Shot]:
        """The last frame again at the time of every one that never came."""
        for pts in sorted(set(stamps)):
            if pts > last.pts:
                self.concealed += 1
                self._frames += 1
                last = Shot(last.frame, last.deep, last.alpha, pts, last.duration, True)
                yield last

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)
