"""Sound and subtitles beside the pictures: copied where the new file can hold them, else converted."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .shot import library

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

PCM = tuple(
    f"pcm_{kind}" for kind in ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f64le")
)
COPIED = {
    ".mp4": ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "mov_text"),
    ".mov": ("aac", "mp3", "ac3", "eac3", "alac", "mov_text", *PCM),
    ".webm": ("opus", "vorbis", "webvtt"),
    ".mkv": (
        *("aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "vorbis", "flac", "dts", "truehd"),
        *("subrip", "ass", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", *PCM),
    ),
}
"""Codecs that a file of that ending holds, and that players expect in it."""
SOUND = {".mp4": "aac", ".mov": "aac", ".webm": "libopus", ".mkv": "libopus"}
TEXT = {".mp4": "mov_text", ".mov": "mov_text", ".webm": "webvtt", ".mkv": "subrip"}
TEXTS = ("subrip", "webvtt", "mov_text", "ass", "text")
"""Subtitles that are words, not pictures of words."""
BROKEN = "broken pieces of sound or subtitles left out"
RATE = 48000
"""Hz of converted Opus: it knows no other that recorders use."""


class Tracks:
    """`put` takes the input's packets in their order and writes them; `end` writes what is still held."""

    def __init__(self, output: "OutputContainer", ending: str, streams: list[Any]) -> None:
        self.notes: list[str] = []
        self._output, self._ending = output, ending
        self._ways: dict[int, Callable[[Packet[Any] | None], Iterator[Packet[Any]]]] = {}
        for stream in streams:
            self._add(stream)

    def put(self, packet: "Packet[Any]") -> None:
        if way := self._ways.get(packet.stream.index):
            self._write(way(packet))

    def end(self) -> None:
        for way in self._ways.values():
            self._write(way(None))

    def _write(self, packets: Iterator["Packet[Any]"]) -> None:
        av = library()
        for packet in packets:
            try:
                self._output.mux(packet)
            except (av.error.ArgumentError, av.error.InvalidDataError):  # its time stamps run backwards
                if BROKEN not in self.notes:
                    self.notes.append(BROKEN)

    def _add(self, stream: Any) -> None:
        av = library()
        codec = stream.codec_context.name if stream.codec_context else "unknown"
        codec = {
            "libvorbis": "vorbis",
            "libopus": "opus",
            "mp3float": "mp3",
            "libdav1d": "av1",
            "srt": "subrip",
            "dca": "dts",
        }.get(codec, codec)
        try:
            if codec in COPIED[self._ending]:
                out = self._output.add_stream_from_template(stream)
                way = self._copy(out)
            elif stream.type == "audio" and stream.codec_context:
                out = self._output.add_stream(
                    SOUND[self._ending],
                    rate=RATE if "opus" in SOUND[self._ending] else stream.codec_context.sample_rate,
                )
                way = self._sound(stream, out)
                new = SOUND[self._ending].removeprefix("lib")
                self.notes.append(f"sound converted from {codec} to {new}, which {self._ending} holds")
            elif codec in TEXTS:
                out = self._output.add_mux_stream(TEXT[self._ending])
                way = self._words(codec, stream, out)
                self.notes.append(
                    f"subtitles converted from {codec} to {TEXT[self._ending]}, which {self._ending} holds"
                )
            else:
                raise ValueError(codec)
        except (ValueError, av.FFmpegError):
            kind = "sound" if stream.type == "audio" else "subtitles"
            self.notes.append(f"{kind} left out: {self._ending} cannot hold {codec}")
            return
        if stream.metadata:
            out.metadata.update(
                {k: v for k, v in stream.metadata.items() if k in ("language", "title", "handler_name")}
            )
        out.disposition = stream.disposition
        self._ways[stream.index] = way

    def _copy(self, out: "Stream") -> Callable[["Packet[Any] | None"], Iterator["Packet[Any]"]]:
        def way(packet: "Packet[Any] | None") -> Iterator["Packet[Any]"]:
            if packet is not None and packet.dts is not None:
                packet.stream = out
                yield packet

        return way

    def _sound(self, stream: Any, out: Any) -> Callable[["Packet[Any] | None"], Iterator["Packet[Any]"]]:
        av = library()
        out.codec_context.layout = (
            stream.codec_context.layout.name if stream.codec_context.layout.nb_channels <= 2 else "stereo"
        )
        out.codec_context.bit_rate = 128_000

        def way(packet: "Packet[Any] | None") -> Iterator["Packet[Any]"]:
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:  # a broken piece of sound is silent, as players do it
                frames = []
            for frame in frames:
                yield from out.encode(frame)
            if packet is None:
                yield from out.encode(None)

        return way

    def _words(
        self, codec: str, stream: "Stream", out: Any
    ) -> Callable[["Packet[Any] | None"], Iterator["Packet[Any]"]]:
        av, target = library(), TEXT[self._ending]

        def way(packet: "Packet[Any] | None") -> Iterator["Packet[Any]"]:
            if packet is None or packet.pts is None:
                return
            words = words_of(codec, bytes(packet))
            if not words and target != "mov_text":  # in mov_text an empty one ends the one before
                return
            made = av.Packet(payload_of(target, words))
            made.stream = out
            made.pts, made.dts, made.duration, made.time_base = (
                packet.pts,
                packet.pts,
                packet.duration,
                packet.time_base,
            )
            yield made

        return way


def words_of(codec: str, payload: bytes) -> str:
    """The text of one subtitle packet, without its styles."""
    if codec == "mov_text":
        return payload[2 : 2 + int.from_bytes(payload[:2], "big")].decode("utf-8", "replace")
    text = payload.decode("utf-8", "replace").strip("\r\n\0")
    if codec == "ass":  # ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text
        text = text.split(",", 8)[-1].replace("\\N", "\n").replace("\\n", "\n")
        while "{" in text and "}" in text.partition("{")[2]:
            before, _, after = text.partition("{")
            text = before + after.partition("}")[2]
    return text


def payload_of(codec: str, words: str) -> bytes:
    """One subtitle packet of that codec."""
    data = words.encode()
    return len(data).to_bytes(2, "big") + data if codec == "mov_text" else data
