"""Packets to shots: upright RGB in the order it is shown, and what is broken concealed."""

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import colours, hdr
from .shot import Shot, library
from .turn import Turn, turn_of

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame


class Decoder:
    """The shots of one stream of pictures, with the packets of `tracks` beside them. Iterate once."""

    def __init__(self, container: Any, stream: Any, tracks: list["Stream"], notes: list[str]) -> None:
        """What is found wrong is said in `notes`."""
        self._container, self._stream, self._tracks, self._notes = container, stream, tracks, notes
        self.time_base: Fraction = stream.time_base or Fraction(1, 90000)
        self.rate = Fraction(stream.average_rate or stream.guessed_rate or 30)
        self.deep = False
        """Whether shots have the signal of more than 8 bits, where it is one."""
        self.frames = 0
        """Shots until now."""
        self.turn = Turn()
        self.waiting: list[Packet[Any]] = []
        """Of sound and subtitles: for the next shot, at the end those after the last."""
        self._codec = self._codec_of()
        self._size = (0, 0)

    def _codec_of(self) -> Any:
        """The file's own decoder, with threads; for VP8 and VP9 with alpha the one that knows of alpha."""
        codec = self._stream.codec_context
        tags = {key.lower(): value for key, value in self._stream.metadata.items()}
        if tags.get("alpha_mode") == "1" and codec.name in ("vp8", "vp9"):
            return library().CodecContext.create({"vp8": "libvpx", "vp9": "libvpx-vp9"}[codec.name], "r")
        codec.thread_type = "AUTO"
        return codec

    def read(self) -> Generator[Shot, None, None]:
        expected: list[int] = []  # time stamps of packets whose frames did not come yet
        broken, last = 0, None
        for frames, failed, stamp in self._decode():
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

    def _decode(self) -> Iterator[tuple[list["VideoFrame"], int, int | None]]:
        """Frames, how many packets failed (0 or 1), and the time stamp of the packet."""
        failure: Any = library().FFmpegError
        packets = self._container.demux(self._stream, *self._tracks)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except failure as error:
                self._notes.append(f"damaged: reading stopped after {self.frames} frames ({error.strerror})")
                break
            if packet.stream is not self._stream:
                if packet.size:
                    self.waiting.append(packet)
            elif packet.size:
                stamp = None if packet.is_discard else packet.pts
                try:
                    yield self._codec.decode(packet), 0, stamp
                except failure:
                    yield [], 1, stamp
        while True:  # the end: what the decoder still holds
            try:
                yield self._codec.decode(None), 0, None
                return
            except failure:
                yield [], 1, None
                return

    def _shot(self, frame: "VideoFrame", last: Shot | None) -> Shot:
        if not self.frames:
            self.turn = turn_of(frame)
            self._size = (frame.width, frame.height)
            self.colours = colours.colours_of(frame)
        pts = frame.pts if frame.pts is not None else frame.dts
        step = max(1, round(1 / (self.rate * self.time_base)))
        if pts is None:
            pts = 0 if last is None else last.pts + (last.duration or step)
        if last is not None and pts <= last.pts:
            pts = last.pts + 1
            self._say("time stamps that ran backwards were set right")
        self.frames += 1
        packets, self.waiting = self.waiting, []
        if last is not None and frame.is_corrupt:
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
            signal = self.turn(signal)
            deep = signal if wide else None
            rgb = (
                cv2.convertScaleAbs(signal, alpha=1 / 257)
                if known.curve == "sdr"
                else hdr.to_sdr(signal, known.curve)
            )
        else:
            rgb, alpha = colours.to_rgb(frame, known, deep=False)
            rgb = self.turn(rgb)
        return np.asarray(rgb, np.uint8), deep, None if alpha is None else self.turn(alpha)

    def _lost(self, last: Shot, stamps: list[int]) -> Iterator[Shot]:
        """The last frame again at the time of every one that never came."""
        for pts in sorted(set(stamps)):
            if pts > last.pts:
                self.frames += 1
                last = Shot(last.frame, last.deep, last.alpha, pts, last.duration, True)
                yield last

    def _say(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)
