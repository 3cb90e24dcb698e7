"""Where live frames come from: a device, a stream in the local network, or a file at its real rate."""

import ipaddress
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from .videos import Video

RETRY = 0.5
"""Seconds between two tries to have a lost camera back."""
SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "tcp", "udp")


class CameraError(ValueError):
    """A camera that cannot be used; the message is one line."""


class Live(NamedTuple):
    frame: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    seconds: float
    """When it was seen, by the clock."""


class Source(Protocol):
    dropped: int
    """Frames that were not given because others were newer."""

    def read(self) -> Live | None:
        """The next frame, waited for; None where there is none just now. Raises StopIteration at the end."""
        ...

    def close(self) -> None: ...


class Device:
    """A camera by its number, or a stream by its address. Lost, it is looked for until it is back.

    `say` gets what a user should know; `open_device` and `sleep` are arguments for tests without a camera.
    """

    def __init__(
        self,
        name: int | str,
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        open_device: Callable[[int | str], Any] | None = None,
    ) -> None:
        """Raises CameraError where it is not there at the start."""
        self._name, self._say, self._clock, self._sleep = name, say, clock, sleep
        self._open_device = open_device or _open_device
        self.dropped = 0
        self._lost = False
        self._device = self._open()
        if self._device is None:
            what = f"no camera {name}" if isinstance(name, int) else f"{name}: no stream"
            raise CameraError(
                f"{what}, or another program has it; --device takes a number, a file or an address"
            )

    def _open(self) -> Any | None:
        device = self._open_device(self._name)
        if device.isOpened():
            return device
        device.release()
        return None

    def read(self) -> Live | None:
        if self._device is None:
            self._sleep(RETRY)
            self._device = self._open()
        if self._device is not None:
            there, frame = self._device.read()
            if there and frame is not None and frame.ndim == 3:
                if self._lost:
                    self._say("The camera is back.")
                self._lost = False
                return Live(np.ascontiguousarray(frame[..., 2::-1]), self._clock())
            self._device.release()
            self._device = None
        if not self._lost:
            self._say("The camera does not answer; plug it in again, it is waited for.")
        self._lost = True
        return None

    def close(self) -> None:
        if self._device is not None:
            self._device.release()


def _open_device(name: int | str) -> Any:
    import cv2

    quiet: Any = cv2
    quiet.setLogLevel(0)  # what is wrong is said in our words
    return cv2.VideoCapture(name)


class Player:
    """A file as a camera: every frame when its time has come; what is late is dropped, as a camera would."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._video, self._clock, self._sleep = Video(path, deep=False), clock, sleep
        self._shots = iter(self._video)
        self._next = next(self._shots, None)
        self._first = self._next.pts if self._next else 0
        self._start: float | None = None
        self.rate = self._video.rate
        self.dropped = 0

    def read(self) -> Live | None:
        if self._next is None:
            raise StopIteration
        if self._start is None:
            self._start = self._clock()
        due = self._due(self._next)
        wait = due - self._clock()
        if wait > 0:
            self._sleep(wait)
        shot, self._next = self._next, next(self._shots, None)
        while self._next is not None and self._due(self._next) <= self._clock():
            shot, self._next = self._next, next(self._shots, None)
            self.dropped += 1
        return Live(shot.frame, self._due(shot))

    def _due(self, shot: Any) -> float:
        assert self._start is not None
        return self._start + float((shot.pts - self._first) * self._video.time_base)

    def close(self) -> None:
        self._video.close()


def local(address: str) -> str:
    """`address` if it is a stream of this machine or of its local network. Raises CameraError."""
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise CameraError(f"{address}: no address of a stream; it begins with one of {', '.join(SCHEMES)}")
    try:
        found = {info[4][0] for info in socket.getaddrinfo(parts.hostname, parts.port or 0)}
    except OSError:
        raise CameraError(f"{address}: there is no {parts.hostname}") from None
    if not all(ipaddress.ip_address(str(ip).partition("%")[0]).is_private for ip in found):
        raise CameraError(f"{address}: is outside the local network; only streams inside are opened")
    return address


def open_source(name: str, say: Callable[[str], None]) -> Source:
    """A number, the path of a file, or an address. Raises ValueError, OSError."""
    if name.isdecimal():
        return Device(int(name), say=say)
    if "://" in name:
        return Device(local(name), say=say)
    if name.startswith("/dev/video") and name.removeprefix("/dev/video").isdecimal():
        return Device(int(name.removeprefix("/dev/video")), say=say)
    return Player(Path(name))
