"""A video cut out: read, masked, composed and written, all four at once.

file --Video--> shot --Masks--> alpha --quick--> pixels --writer--> OUT.partial, then OUT
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import encoders, memory, quick
from .animations import Animation, Gif, Pngs, WebP, times_file
from .behind import Choice, behind
from .containers import ContainerWriter
from .pipeline import Pipeline
from .shot import Shot, VideoError, library
from .videos import Video

if TYPE_CHECKING:
    from ..segmenter import Segmenter

NUMBERED = re.compile(r"[^%]*%0?\d*d\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """What is to be made of a video."""

    background: Choice | None = None
    """None: transparent."""
    as_mask: bool = False
    steady: bool = True
    codec: str | None = None

    @property
    def transparent(self) -> bool:
        return self.background is None and not self.as_mask


@dataclass
class Made:
    """What became of it."""

    width: int
    height: int
    frames: int = 0
    seconds: float = 0.0
    """Of the video."""
    took: float = 0.0
    """Seconds of work."""
    person: int = 0
    """Frames with somebody in them."""
    presence: float = 0.0
    """In [0, 1], the highest."""
    concealed: int = 0
    """Frames that could not be decoded and show the one before."""
    notes: list[str] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    """Milliseconds a frame, each stage by itself; what they add up to overlaps."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; what was done until then is whole."""

    def __init__(self, made: Made, partial: str) -> None:
        super().__init__()
        self.made, self.partial = made, partial


class Masks:
    """Shot after shot to alpha, (H, W) float32 in [0, 1].

    `person` counts the frames with somebody in them, `presence` is the highest.
    """

    def __init__(self, segmenter: "Segmenter", *, steady: bool) -> None:
        self._stream = segmenter.stream(steady=steady)
        self.person, self.presence = 0, 0.0

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        alpha = self._stream(frame)
        self.person += self._stream.there
        self.presence = max(self.presence, self._stream.presence)
        return alpha


def ending(wish: Wish) -> str:
    """What follows a video's name where no output is named: small, and playable in every browser."""
    return "-mask.mp4" if wish.as_mask else ".webm" if wish.transparent else ".mp4"


def check(target: str, wish: Wish) -> None:
    """Raises VideoError, with the cure, where `target` cannot hold what is wished."""
    if target.lower().endswith(".png") and not is_numbered(target):
        stem = target[:-4]
        raise VideoError(f"is one picture, a video is many: write {stem}-%06d.png")
    encoders.check(_ending(target), transparent=wish.transparent, codec=wish.codec)


def is_numbered(target: str) -> bool:
    return NUMBERED.fullmatch(Path(target).name) is not None


def exists(target: str) -> bool:
    """Whether it is there, and whole."""
    return times_file(target).exists() if is_numbered(target) else Path(target).exists()


def _ending(target: str) -> str:
    return Path(target).suffix.lower()


def partial(target: str) -> Path:
    """Where it is written until it is whole."""
    path = Path(target)
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def cut(
    source: Path,
    target: str,
    segmenter: "Segmenter",
    wish: Wish,
    watch: Callable[[int, int | None], None] | None = None,
) -> Made:
    """Write `source`, cut out, to `target`; `watch` is told the frames done and expected.

    Raises VideoError or another ValueError, OSError, and Interrupted.
    """
    check(target, wish)
    memory.keep()
    start = perf_counter()
    with Video(source, deep=True) as video:
        made = Made(video.width, video.height)
        writer, written = _writer(target, wish, video)
        try:
            pipeline = _pipeline(video, segmenter, wish, writer, made)
            _run(pipeline, video, writer, made, watch, written)
        except Interrupted:
            made.took = perf_counter() - start
            raise
        except BaseException as error:
            if written is not None:
                written.unlink(missing_ok=True)
            if isinstance(error, library().FFmpegError):
                raise VideoError(f"cannot be written to {target}: {error.strerror}") from error
            raise
        made.took = perf_counter() - start
        if written is not None:
            os.replace(written, target)
        return made


def _writer(target: str, wish: Wish, video: Video) -> tuple[Any, Path | None]:
    ending = _ending(target)
    if is_numbered(target):
        return Animation(Pngs(target), video), None
    path = partial(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending in (".gif", ".webp"):
        return Animation(Gif(path) if ending == ".gif" else WebP(path), video), path
    depth = 8 if wish.as_mask else video.colours.depth
    encoder = encoders.choose(ending, transparent=wish.transparent, codec=wish.codec, depth=depth)
    video.deep = encoder.deep and video.colours.depth > 8 and not wish.as_mask
    return ContainerWriter(path, ending, encoder, video), path


def _pipeline(video: Video, segmenter: "Segmenter", wish: Wish, writer: Any, made: Made) -> Pipeline:
    masks = Masks(segmenter, steady=wish.steady)
    size, deep = (video.height, video.width), video.deep and isinstance(writer, ContainerWriter)
    back = None
    if wish.background is not None:
        back = behind(wish.background, size, deep=deep, curve=video.colours.curve)
    begun: list[int] = []

    def mask(shot: Shot) -> tuple[Shot, NDArray[np.float32]]:
        alpha = masks(shot.frame)
        if shot.alpha is not None:
            alpha *= shot.alpha.astype(np.float32) / np.float32(np.iinfo(shot.alpha.dtype).max)
        made.person, made.presence = masks.person, round(masks.presence, 4)
        return shot, alpha

    def compose(item: tuple[Shot, NDArray[np.float32]]) -> tuple[Shot, NDArray[Any], NDArray[Any] | None]:
        shot, alpha = item
        pixels = shot.deep if deep and shot.deep is not None else shot.frame
        if wish.as_mask:
            return shot, cv2.convertScaleAbs(alpha, alpha=255), None
        if back is None:
            return shot, *quick.cutout(pixels, alpha)
        begun[:] = begun or [shot.pts]
        seconds = float((shot.pts - begun[0]) * video.time_base)
        return shot, quick.composite(pixels, alpha, back(pixels, alpha, seconds)), None

    def encode(item: tuple[Shot, NDArray[Any], NDArray[Any] | None]) -> None:
        writer.write(*item)
        shot = item[0]
        made.frames += 1
        made.concealed += shot.concealed
        made.seconds = float((shot.pts + shot.duration) * video.time_base)

    return Pipeline(video, {"mask": mask, "compose": compose, "encode": encode})


def _run(
    pipeline: Pipeline,
    video: Video,
    writer: Any,
    made: Made,
    watch: Callable[[int, int | None], None] | None,
    written: Path | None,
) -> None:
    expected, interrupted = video.count, False
    try:
        pipeline.run((lambda p: watch(p.done, expected)) if watch else None)
    except KeyboardInterrupt:
        interrupted = True
    except BaseException:
        with suppress(Exception):  # of no interest beside the first
            writer.close()
        raise
    writer.close()
    made.notes = [*video.notes, *writer.notes]
    if made.concealed:
        made.notes.append(f"{made.concealed} broken frames show the one before")
    made.stages = {name: round(1e3 * s / max(1, made.frames), 2) for name, s in pipeline.seconds.items()}
    made.seconds = round(made.seconds, 3)
    if interrupted:
        raise Interrupted(made, str(written or ""))
