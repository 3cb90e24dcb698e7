"""Video files as frames: untrusted bytes to upright RGB with the file's own time stamps, sound beside them.

A file is a path on this machine, never an address, and what it is is decided by its content.
"""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .colours import Colours
from .decoder import Decoder
from .shot import Shot, VideoError, library

if TYPE_CHECKING:
    from av.stream import Stream

ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".mpg", ".mpeg"),
    *(".3gp", ".3g2", ".flv", ".ogv", ".wmv", ".asf", ".mxf"),
)
"""Names that are taken for videos, in lower case."""

KINDS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf"
"""FFmpeg's names of the containers that are read. An allow-list: each one is a surface for attacks."""

MAX_PIXELS = 8192 * 8192


class Video:
    """A file that is open and has at least one frame. Iterate once, then close.

    `notes` says what was wrong with it.
    """

    def __init__(self, path: str | Path, *, deep: bool = False) -> None:
        """`deep` keeps more than 8 bits where there are more. Raises VideoError, and OSError for no file."""
        av = library()
        self.path = Path(path)
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
            self._begin(av, deep)
        except BaseException:
            self.container.close()
            raise

    def _begin(self, av: Any, deep: bool) -> None:
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
        self.notes: list[str] = []
        others = sum(s.type not in ("audio", "subtitle") for s in self.container.streams) - 1
        if others:
            self.notes.append(f"{others} more of its streams (pictures or data) left out")
        self._decoder = Decoder(self.container, self.stream, self.tracks, self.notes)
        self._decoder.deep = deep
        self.time_base, self.rate = self._decoder.time_base, self._decoder.rate
        self._shots = self._decoder.read()
        first = next(self._shots, None)
        if first is None:
            raise VideoError("has no frame that can be decoded")
        self._first = first
        self.colours: Colours = self._decoder.colours
        self.height, self.width = first.frame.shape[:2]

    @property
    def deep(self) -> bool:
        """Whether the shots to come keep more than 8 bits where there are more."""
        return self._decoder.deep

    @deep.setter
    def deep(self, deep: bool) -> None:
        self._decoder.deep = deep

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
        return 1 / aspect if self._decoder.turn.swap else aspect

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
        held.packets += self._decoder.waiting
        if self.stream.duration and self.stream.start_time is not None:
            left = self.stream.start_time + self.stream.duration - held.pts
            held.duration = left if 0 < left * self.time_base < 60 else held.duration
        yield held
        if self.stream.frames and self._decoder.frames < self.stream.frames:
            self.notes.append(f"cut off: {self._decoder.frames} of {self.stream.frames} frames are there")
