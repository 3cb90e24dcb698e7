"""Moving pictures without sound: GIF, WebP, and a PNG a frame. Frame by frame, in constant memory.

Pillow encodes single pictures; the files around them are put together here, because Pillow keeps a whole
animation in memory until it is saved.
"""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from . import images
from .containers import Pictures
from .shot import Shot, VideoError

Pixels = NDArray[np.uint8]
OPAQUE = 128
"""Alpha from which a pixel of a GIF is there at all."""
COLOURS = 255
"""Of a GIF's frame; one more says transparent."""


class Format(Protocol):
    tick: Fraction
    """Seconds."""
    least: int
    """Ticks that a frame lasts at least."""

    def begin(self, height: int, width: int) -> None: ...
    def frame(self, pixels: Pixels, ticks: int) -> None:
        """(H, W, 3) or (H, W, 4), shown for so many ticks."""
        ...

    def end(self) -> None: ...


class Animation:
    """`write` each shot's new pixels, then `close`. Every frame starts within a tick of when it did."""

    def __init__(self, format: Format, video: Pictures) -> None:
        self.notes: list[str] = []
        if video.tracks:
            self.notes.append("sound and subtitles left out: it holds pictures only")
        self._format, self._video = format, video
        self._held: tuple[int, Pixels] | None = None
        self._started: int | None = None
        self._dropped = 0
        self._last_duration = 0

    def write(self, shot: Shot, pixels: NDArray[Any], alpha: NDArray[Any] | None) -> None:
        now = round(shot.pts * self._video.time_base / self._format.tick)
        self._last_duration = round(
            (shot.duration or self._step()) * self._video.time_base / self._format.tick
        )
        picture = self._square(_eight_bits(pixels), alpha)
        if self._started is None:
            self._started = now
            self._format.begin(*picture.shape[:2])
        if self._held is not None:
            since, before = self._held
            if now - since < self._format.least:
                self._dropped += 1
                return
            self._format.frame(before, now - since)
        self._held = (now, picture)

    def _step(self) -> int:
        return round(1 / (self._video.rate * self._video.time_base))

    def _square(self, pixels: Pixels, alpha: NDArray[Any] | None) -> Pixels:
        """With alpha as a fourth channel, on square pixels."""
        if alpha is not None:
            pixels = np.dstack([pixels, _eight_bits(alpha)])
        elif pixels.ndim == 2:
            pixels = np.dstack([pixels] * 3)
        if self._video.aspect == 1:
            return pixels
        width = max(1, round(pixels.shape[1] * float(self._video.aspect)))
        return np.asarray(
            cv2.resize(pixels, (width, pixels.shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8
        )

    def close(self) -> None:
        if self._held is not None:
            self._format.frame(self._held[1], max(self._format.least, self._last_duration))
        if self._dropped:
            most = int(1 / (self._format.least * self._format.tick))
            self.notes.append(f"{self._dropped} frames left out: it shows no more than {most} a second")
        self._format.end()


def _eight_bits(pixels: NDArray[Any]) -> Pixels:
    return np.asarray(
        cv2.convertScaleAbs(pixels, alpha=1 / 257) if pixels.dtype == np.uint16 else pixels, np.uint8
    )


class Gif:
    """A palette for each frame, hundredths of a second; browsers show what is shorter than 2 as 10."""

    tick, least = Fraction(1, 100), 2

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def begin(self, height: int, width: int) -> None:
        if max(height, width) > 65535:
            raise VideoError("is too large for GIF (at most 65535 pixels a side)")
        self._file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0))
        self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # for ever

    def frame(self, pixels: Pixels, ticks: int) -> None:
        alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
        image = Image.fromarray(np.ascontiguousarray(pixels[..., :3])).quantize(
            COLOURS, dither=Image.Dither.NONE
        )
        clear = COLOURS
        if alpha is not None:
            indices = np.asarray(image).copy()
            indices[alpha < OPAQUE] = clear
            palette = image.getpalette() or []
            image = Image.fromarray(indices, mode=None)
            image.putpalette([*palette[: 3 * COLOURS], *[0] * (3 * (256 - len(palette[: 3 * COLOURS]) // 3))])
        flags = 2 << 2 | (alpha is not None)  # cleared before the next
        self._file.write(b"\x21\xf9\x04" + struct.pack("<BHB", flags, min(ticks, 65535), clear) + b"\0")
        for part in GifImagePlugin.getdata(image, include_color_table=True):
            self._file.write(part)
        self._file.flush()

    def end(self) -> None:
        self._file.write(b";")
        self._file.close()


class WebP:
    """Milliseconds; each frame a picture of its own, lossy colours, lossless alpha."""

    tick, least = Fraction(1, 1000), 1

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def begin(self, height: int, width: int) -> None:
        if max(height, width) > 16383:
            raise VideoError("is too large for WebP (at most 16383 pixels a side)")
        self._file.write(b"RIFF\0\0\0\0WEBP")
        self._file.write(_chunk(b"VP8X", bytes([0x12, 0, 0, 0]) + _three(width - 1) + _three(height - 1)))
        self._file.write(_chunk(b"ANIM", bytes(6)))  # transparent, for ever

    def frame(self, pixels: Pixels, ticks: int) -> None:
        data, at, inner = images.encode(pixels, ".webp"), 12, b""
        while at < len(data):  # the picture's own chunks, without its header
            size = struct.unpack("<I", data[at + 4 : at + 8])[0]
            if data[at : at + 4] in (b"ALPH", b"VP8 ", b"VP8L"):
                inner += data[at : at + 8 + size + size % 2]
            at += 8 + size + size % 2
        height, width = pixels.shape[:2]
        head = bytes(6) + _three(width - 1) + _three(height - 1) + _three(min(ticks, 0xFFFFFF)) + b"\x03"
        self._file.write(_chunk(b"ANMF", head + inner))  # no blending, cleared before the next
        end = self._file.tell()
        self._file.seek(4)
        self._file.write(struct.pack("<I", end - 8))  # whole after every frame
        self._file.seek(end)
        self._file.flush()

    def end(self) -> None:
        self._file.close()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


class Pngs:
    """A file a frame, NAME-000001.png and on; NAME-times.txt, in milliseconds, when all are there."""

    tick, least = Fraction(1, 1000), 1

    def __init__(self, pattern: str) -> None:
        self._pattern, self._times, self._next = pattern, [0], 1

    def begin(self, height: int, width: int) -> None:
        Path(self._pattern).parent.mkdir(parents=True, exist_ok=True)

    def frame(self, pixels: Pixels, ticks: int) -> None:
        images.write(self._pattern % self._next, pixels)
        self._next += 1
        self._times.append(self._times[-1] + ticks)

    def end(self) -> None:
        lines = ["# timestamp format v2", *map(str, self._times[:-1])]
        images.save(times_file(self._pattern), ("\n".join(lines) + "\n").encode())


def times_file(pattern: str) -> Path:
    """The text file beside a sequence of PNGs that says when each is shown."""
    start, _, _ = Path(pattern).name.partition("%")
    return Path(pattern).parent / f"{start.rstrip('-_.') or 'frames'}-times.txt"
