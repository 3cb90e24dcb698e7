"""Live: the newest frame in, cut out and composed, with how fast and how late that is."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import encoders, memory, quick
from .animations import Animation, Gif, WebP
from .behind import Choice, behind
from .camera import Live, Source
from .colours import Colours
from .containers import ContainerWriter
from .film import Masks
from .shot import Shot, VideoError

if TYPE_CHECKING:
    from ..segmenter import Segmenter

GREEN = (0, 177, 64)
"""A chroma key's, for programs that put something else behind."""
LATELY = 300
"""Frames that the numbers on the screen are over."""


class Newest:
    """A source in a thread of its own, of which only the newest frame is kept: what is late is dropped."""

    def __init__(self, source: Source) -> None:
        self._source, self._late = source, 0
        self._held: Live | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            while not self._ended:
                found = self._source.read()
                with self._changed:
                    self._late += found is not None and self._held is not None
                    self._held = found or self._held
                    self._changed.notify_all()
        except StopIteration:
            pass
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def dropped(self) -> int:
        return self._late + self._source.dropped

    def read(self, timeout: float) -> Live | None:
        """The newest not read yet; None after `timeout` seconds without. StopIteration at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._held is not None or self._ended, timeout)
            found, self._held = self._held, None
            if found is None and self._error is not None:
                raise self._error
            if found is None and self._ended:
                raise StopIteration
            return found

    def close(self) -> None:
        self._ended = True
        self._thread.join(timeout=2)
        self._source.close()


class Stage:
    """What is done with each frame. `background` and `mirror` may change at any time."""

    def __init__(
        self,
        segmenter: "Segmenter",
        background: Choice | None,
        *,
        mirror: bool = False,
        steady: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`background` None shows the frame as it is."""
        memory.keep()
        self.backgrounds = [background]
        self.backgrounds += [b for b in ("blur", GREEN, None) if not _same(b, background)]
        self.mirror, self.frames = mirror, 0
        self._masks, self._clock = Masks(segmenter, steady=steady), clock
        self._behind: tuple[Any, Any] | None = None
        self._start = clock()
        self._late: deque[float] = deque(maxlen=LATELY)
        self._shown: deque[float] = deque(maxlen=LATELY)

    def next_background(self) -> None:
        self.backgrounds.append(self.backgrounds.pop(0))
        self._behind = None

    def __call__(self, live: Live) -> NDArray[np.uint8]:
        """(H, W, 3), to be shown at once: latency counts from when it was seen until this returns."""
        frame, choice = live.frame, self.backgrounds[0]
        if choice is not None:
            alpha = self._masks(frame)
            size = frame.shape[:2]
            if self._behind is None or self._behind[0] != size:
                self._behind = (size, behind(choice, (size[0], size[1])))
            back = self._behind[1](frame, alpha, live.seconds - self._start)
            frame = np.asarray(quick.composite(frame, alpha, back), np.uint8)
        if self.mirror:
            frame = np.asarray(cv2.flip(frame, 1), np.uint8)
        now = self._clock()
        self.frames += 1
        self._late.append(now - live.seconds)
        self._shown.append(now)
        return frame

    def numbers(self) -> "Numbers":
        """Of the last LATELY frames."""
        late = 1e3 * np.array(self._late or [0.0])
        span = self._shown[-1] - self._shown[0] if len(self._shown) > 1 else 0.0
        rate = (len(self._shown) - 1) / span if span > 0 else 0.0
        p50, p95 = np.percentile(late, [50, 95])
        return Numbers(self.frames, round(rate, 2), round(float(p50), 1), round(float(p95), 1))


@dataclass(frozen=True)
class Numbers:
    frames: int
    frames_per_second: float
    latency_ms_p50: float
    latency_ms_p95: float


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and not isinstance(one, np.ndarray) and one == other)


class Recorder:
    """Live pictures into a file, each with the time at which it was seen; all get the first one's size."""

    aspect, tracks = Fraction(1), list[Any]()
    metadata: dict[str, str] = {}  # noqa: RUF012
    chapters: list[Any] = []  # noqa: RUF012
    time_base, rate = Fraction(1, 1000), Fraction(30)
    colours = Colours(1, 1, 1, False, 8)

    def __init__(self, path: Path, first: Live, size: tuple[int, int]) -> None:
        """`size`: (height, width). Raises VideoError where the ending is of no video."""
        self.path = path
        self.height, self.width = size
        self._start = first.seconds
        ending = path.suffix.lower()
        encoders.check(ending, transparent=False, codec=None)
        if ending == ".png":
            raise VideoError("is one picture; write .mp4, .webm, .mov, .mkv, .gif or .webp")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: Any
        if ending in (".gif", ".webp"):
            self._writer = Animation(Gif(path) if ending == ".gif" else WebP(path), self)
        else:
            choice = encoders.choose(ending, transparent=False, codec=None, depth=8)
            self._writer = ContainerWriter(path, ending, choice, self)

    def write(self, live: Live, pixels: NDArray[np.uint8]) -> None:
        if pixels.shape[:2] != (self.height, self.width):
            size = (self.width, self.height)
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        pts = round((live.seconds - self._start) * 1000)
        self._writer.write(Shot(pixels, None, None, pts, 0, False), pixels, None)

    def close(self) -> None:
        self._writer.close()
