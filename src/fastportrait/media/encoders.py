"""Which encoder writes what: by ending, transparency and depth, and which one in place of a missing one."""

from dataclasses import dataclass, field
from typing import Any

from .shot import VideoError, library

CODECS = ("h264", "h265", "vp9", "prores")
HOLDS = {
    ".mp4": ("h264", "h265"),
    ".mov": ("h264", "h265", "prores"),
    ".webm": ("vp9",),
    ".mkv": ("h264", "h265", "vp9", "prores"),
}
ANIMATIONS = (".gif", ".webp", ".png")
WRITES = (*HOLDS, *ANIMATIONS)
TRANSPARENT = {".webm": "vp9", ".mov": "prores", ".mkv": "vp9"}
"""The codec that holds transparency, by ending; the animations all do."""
DEEP = ("h265", "prores")
"""Those that hold 10 bits in a way that others can play."""
NAMES = {"h264": "H.264", "h265": "H.265", "vp9": "VP9", "prores": "ProRes"}

QUIET = "log-level=none"
H264 = {"preset": "superfast", "crf": "20"}
H265 = {"preset": "ultrafast", "crf": "22", "x265-params": QUIET}
VP9 = {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "crf": "24", "b": "0", "auto-alt-ref": "0"}

Try = tuple[str, str, dict[str, str]]
TRIES: dict[tuple[str, bool, bool], tuple[Try, ...]] = {  # (codec, transparent, deep): in this order
    ("h264", False, False): (
        ("libx264", "yuv420p", H264),
        ("libopenh264", "yuv420p", {"b": "6M"}),
        ("mpeg4", "yuv420p", {"qscale": "3"}),
    ),
    ("h265", False, False): (("libx265", "yuv420p", H265),),
    ("h265", False, True): (("libx265", "yuv420p10le", H265),),
    ("vp9", False, False): (
        ("libvpx-vp9", "yuv420p", VP9),
        ("libvpx", "yuv420p", {"deadline": "realtime", "crf": "10", "b": "6M"}),
    ),
    ("vp9", True, False): (
        ("libvpx-vp9", "yuva420p", VP9),
        ("libvpx", "yuva420p", {"deadline": "realtime", "crf": "10", "b": "6M", "auto-alt-ref": "0"}),
    ),
    ("prores", False, True): (
        ("prores", "yuv422p10le", {"profile": "3"}),
        ("prores_ks", "yuv422p10le", {"profile": "3"}),
    ),
    ("prores", True, True): (
        ("prores", "yuva444p10le", {"profile": "4"}),
        ("prores_ks", "yuva444p10le", {"profile": "4"}),
    ),
}


@dataclass(frozen=True)
class Encoder:
    name: str
    """FFmpeg's."""
    codec: str
    kind: str
    """FFmpeg's name of the pixel format."""
    options: dict[str, str]
    notes: tuple[str, ...] = field(default=())

    @property
    def deep(self) -> bool:
        return self.kind.endswith("10le")

    @property
    def transparent(self) -> bool:
        return self.kind.startswith("yuva")


def check(ending: str, *, transparent: bool, codec: str | None) -> None:
    """Raises VideoError, with the cure, where no file of that ending can hold what is asked for."""
    if ending not in WRITES:
        raise VideoError(f"cannot be written with the ending {ending!r}; use one of {' '.join(WRITES)}")
    if ending in ANIMATIONS:
        if codec:
            raise VideoError(f"takes no --codec, being {ending[1:].upper()}")
        return
    if codec and codec not in HOLDS[ending]:
        places = " or ".join(name for name, held in HOLDS.items() if codec in held)
        raise VideoError(
            f"cannot hold {NAMES[codec]}; write {places}, or one of {', '.join(HOLDS[ending])} into {ending}"
        )
    if transparent and (ending not in TRANSPARENT or (codec or TRANSPARENT[ending]) in ("h264", "h265")):
        raise VideoError(
            "cannot hold transparency; write .webm (VP9), .mov (ProRes), .gif, .webp or -%06d.png, "
            "or choose a --background"
        )


def choose(ending: str, *, transparent: bool, codec: str | None, depth: int) -> Encoder:
    """The encoder for a video file; `depth` is of the input. Raises VideoError where there is none."""
    check(ending, transparent=transparent, codec=codec)
    notes = []
    if codec is None:
        codec = TRANSPARENT[ending] if transparent else HOLDS[ending][0] if ending != ".mkv" else "h264"
        if depth > 8 and codec == "h264":
            codec = "h265"
            if not _there("libx265"):
                codec = "h264"
            else:
                notes.append(f"its {depth} bits a colour are kept as 10 in H.265")
    wanted = codec
    if codec == "h265" and not _there("libx265"):
        codec = "h264"
    deep = codec == "prores" or (codec == "h265" and depth > 8)
    if depth > 8 and not deep:
        notes.append(f"its {depth} bits a colour become 8 in {NAMES[codec]}; --codec h265 or .mov keep 10")
    if depth > 10 and deep:
        notes.append(f"its {depth} bits a colour become 10")
    for name, kind, options in TRIES[codec, transparent, deep]:
        if _there(name):
            first = TRIES[wanted, transparent, deep if wanted == codec else wanted == "h265" and depth > 8][
                0
            ][0]
            if name != first:
                notes.append(f"the encoder {first} is missing here; {name} is used in its place")
            return Encoder(name, codec, kind, options, tuple(notes))
    raise VideoError(f"cannot be written: this PyAV has no encoder for {NAMES[wanted]}")


def _there(name: str) -> bool:
    av: Any = library()
    try:
        av.codec.Codec(name, "w")
    except (ValueError, av.FFmpegError):
        return False
    return True
