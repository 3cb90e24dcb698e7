"""Video files out: encoded pictures, sound and subtitles; killed, what is there of a file plays."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from . import colours
from .encoders import NAMES, Encoder
from .shot import Shot, library
from .tracks import Tracks

FRAGMENTED = "hybrid_fragmented+delay_moov"
"""Written in pieces that play by themselves, made one whole at the end: time stamps, edit lists and all."""
PIECE = 2
"""Seconds between key frames, and so the most that a kill loses, with what the encoder still holds."""
MILLISECOND = Fraction(1, 1000)
LARGEST = 65535
"""MPEG-4's largest number of ticks in a second."""
PRIVATE = (
    "location",
    "com.apple.quicktime.location",
    "com.apple.quicktime.make",
    "com.apple.quicktime.model",
)
"""Words about where and with what it was taken, as a photo's cut-out does not have them either."""
OWN = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")


class Pictures(Protocol):
    """What is written: a Video, or anything else that has a size and a time base."""

    height: int
    width: int
    time_base: Fraction
    rate: Fraction
    tracks: list[Any]
    colours: colours.Colours

    @property
    def aspect(self) -> Fraction: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    @property
    def chapters(self) -> list[Any]: ...


class ContainerWriter:
    """`write` each shot's new pixels, then `close`. What is at `path` plays, cut off, at any time."""

    def __init__(self, path: Path, ending: str, encoder: Encoder, video: Pictures) -> None:
        av = library()
        self.notes, self._encoder = list(encoder.notes), encoder
        self._container = av.open(str(path), "w", options=_options(ending, encoder))
        self._container.flags |= int(av.container.Flags.flush_packets.value)
        self._time_base = _ticks(ending, encoder, video.time_base)
        self._video, self._last, self._durations = video, -(1 << 62), dict[int, int]()
        self._first, self._end = 1 << 62, 0
        self._shift: int | None = None  # of decoding before showing
        self._grow = (video.height % 2 if "420" in encoder.kind else 0, video.width % 2)
        if encoder.codec == "vp9":
            self._grow = (0, 0)
        height, width = video.height + self._grow[0], video.width + self._grow[1]
        if any(self._grow):
            self.notes.append(f"{width} x {height}: {NAMES[encoder.codec]} has even sides only")
        known = video.colours
        deep = encoder.deep and known.depth > 8
        if known.curve != "sdr" and not deep:  # shown as a standard screen would
            known = colours.Colours(1, 1, 1, False, 8)
            self.notes.append("high dynamic range toned down to the standard one")
        rgb = known.matrix == 0  # the file had no Y'CbCr
        self._colours = replace(
            known,
            matrix=1 if rgb else known.matrix,
            full=known.full and not rgb and encoder.codec != "prores",
        )
        self._stream = self._container.add_stream(
            encoder.name, rate=video.rate, options=dict(encoder.options)
        )
        self._set_up(width, height)
        self._tracks = Tracks(self._container, ending, video.tracks)
        self._describe(video)

    def _set_up(self, width: int, height: int) -> None:
        stream, codec, known = self._stream, self._stream.codec_context, self._colours
        codec.width, codec.height, codec.pix_fmt = width, height, self._encoder.kind
        codec.time_base = stream.time_base = self._time_base
        codec.color_primaries, codec.color_trc, codec.colorspace = (
            known.primaries,
            known.transfer,
            known.matrix,
        )
        codec.color_range = 2 if known.full else 1
        codec.sample_aspect_ratio = self._video.aspect
        codec.gop_size = max(1, round(PIECE * self._video.rate))
        if self._encoder.codec == "h265":
            codec.codec_tag = "hvc1"  # what Apple's players look for
        if self._encoder.transparent and self._encoder.codec == "vp9":
            stream.metadata["alpha_mode"] = "1"

    def _describe(self, video: Pictures) -> None:
        found = video.metadata
        kept = {k: v for k, v in found.items() if k not in OWN and not k.lower().startswith(PRIVATE)}
        self._container.metadata.update(kept)
        if video.chapters:
            self._container.set_chapters(video.chapters)

    def write(self, shot: Shot, pixels: NDArray[Any], alpha: NDArray[Any] | None) -> None:
        """(H, W, 3) uint8 or uint16 RGB, or (H, W) grey; `alpha` (H, W) where the encoder holds it."""
        for packet in shot.packets:
            self._tracks.put(packet)
        rgb = cv2.merge([pixels] * 3) if pixels.ndim == 2 else pixels
        if any(self._grow):
            rgb = cv2.copyMakeBorder(rgb, 0, self._grow[0], 0, self._grow[1], cv2.BORDER_REPLICATE)
            if alpha is not None:
                alpha = cv2.copyMakeBorder(alpha, 0, self._grow[0], 0, self._grow[1], cv2.BORDER_REPLICATE)
        frame = colours.from_rgb(rgb, alpha, self._encoder.kind, self._colours)
        known = self._colours
        frame.colorspace, frame.color_range = known.matrix, 2 if known.full else 1
        frame.color_primaries, frame.color_trc = known.primaries, known.transfer
        pts = round(shot.pts * self._video.time_base / self._time_base)
        self._last = frame.pts = max(pts, self._last + 1)
        frame.time_base = self._time_base
        duration = round(shot.duration * self._video.time_base / self._time_base)
        self._durations[frame.pts] = duration
        self._first, self._end = min(self._first, frame.pts), frame.pts + duration
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0) or packet.duration
            if self._shift is None:
                self._shift = self._first - packet.dts
            self._container.mux(packet)

    def close(self) -> None:
        """All that is held is written, and the file is whole."""
        try:
            packets = self._stream.encode(None)
            if packets and self._shift is not None and packets[-1].dts is not None:
                # a file is as long as its last packet in the order of decoding says
                self._durations[packets[-1].pts] = max(1, self._end - packets[-1].dts - self._shift)
            self._mux(packets)
            self._tracks.end()
        finally:
            self.notes += self._tracks.notes
            self._container.close()


def _options(ending: str, encoder: Encoder) -> dict[str, str]:
    if ending not in (".mp4", ".mov"):
        return {}
    cut = "" if encoder.codec == "prores" else "+frag_keyframe"
    return {"movflags": FRAGMENTED + cut, **({} if cut else {"frag_duration": str(PIECE * 1_000_000)})}


def _ticks(ending: str, encoder: Encoder, time_base: Fraction) -> Fraction:
    """The input's time base where the file can have it: then its time stamps are exact."""
    if ending in (".webm", ".mkv"):
        return MILLISECOND
    if encoder.name == "mpeg4" and time_base.denominator > LARGEST:
        return Fraction(1, 60000)
    return time_base
