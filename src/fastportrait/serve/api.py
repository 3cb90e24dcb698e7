"""Masks over HTTP: a picture is posted, its cut-out or its mask comes back as PNG.

POST /cut    RGBA, or with ?background=blur or ?background=%23RRGGBB the person on that, RGB
POST /mask   grey, white for the person
GET /health, GET /metrics

It fetches nothing from elsewhere, keeps nothing, and refuses in words what goes beyond its limits.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from . import forms
from .counts import Counts

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from ..segmenter import Segmenter

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Limits:
    bytes: int = 32 << 20
    """Of a request's body."""
    pixels: int = 25_000_000
    """Of a picture, read in its header before anything is decoded."""
    workers: int = 2
    """Pictures at the same time."""
    queue: int = 8
    """Requests that may wait; one more is told to come again (429)."""
    wait_s: float = 20.0
    """A request that waited so long for its turn is given up (503)."""
    upload_s: float = 30.0
    """A body that takes longer to arrive is given up (408)."""


class Refused(Exception):
    """An answer that is no picture; `retry_after` is in seconds."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after


class Service:
    """One model at the disposal of many requests."""

    def __init__(self, segmenter: "Segmenter", limits: Limits) -> None:
        self.segmenter, self.limits, self.counts = segmenter, limits, Counts()
        self.inside = 0
        self._turn = asyncio.Semaphore(limits.workers)

    async def answer(self, request: "Request", *, as_mask: bool) -> "Response":
        from starlette.responses import Response

        limits = self.limits
        if self.inside >= limits.workers + limits.queue:
            raise Refused(429, "too many pictures at once; try again in a moment", retry_after=1)
        self.inside += 1
        try:
            background = _background(request.query_params, as_mask=as_mask)
            try:
                async with asyncio.timeout(limits.upload_s):
                    body = await _body(request, limits.bytes)
            except TimeoutError:
                raise Refused(408, f"the picture did not arrive within {limits.upload_s:g} s") from None
            try:
                data = forms.picture(body, request.headers.get("content-type", ""))
            except ValueError as error:
                raise Refused(400, str(error)) from None
            try:
                async with asyncio.timeout(limits.wait_s):
                    await self._turn.acquire()
            except TimeoutError:
                raise Refused(
                    503, f"no turn came within {limits.wait_s:g} s; try again", retry_after=5
                ) from None
            try:
                png, presence, person = await asyncio.to_thread(self.work, data, as_mask, background)
            finally:
                self._turn.release()
        finally:
            self.inside -= 1
        about = {"X-Presence": f"{presence:.4f}", "X-Person": "yes" if person else "no"}
        return Response(png, media_type="image/png", headers=about)

    def work(self, data: bytes, as_mask: bool, background: Any) -> tuple[bytes, float, bool]:
        """A file's bytes -> a PNG's, how sure it is that somebody is there, in [0, 1], and whether so."""
        import numpy as np

        from .. import compose
        from ..media import images
        from ..segmenter import PRESENT

        try:
            picture = images.read(data, max_pixels=self.limits.pixels)
        except images.ImageError as error:
            raise Refused(422, f"the picture {error}") from None
        frame = picture.frame
        mask = self.segmenter.mask(frame)
        presence = self.segmenter.presence(mask)
        alpha = self.segmenter.alpha(frame, mask)
        if picture.alpha is not None:
            alpha *= picture.alpha.astype(np.float32) / 255
        if as_mask:
            pixels = np.rint(alpha * 255).astype(np.uint8)
        elif background is None:
            pixels = compose.cutout(frame, alpha)
        else:
            pixels = compose.composite(frame, alpha, background)
        return images.encode(pixels, ".png"), presence, presence >= PRESENT


def _background(query: Any, *, as_mask: bool) -> Any:
    """None, "blur" or (r, g, b) in 0..255."""
    unknown = set(query) - (set() if as_mask else {"background"})
    if unknown:
        known = "none here" if as_mask else "background"
        raise Refused(400, f"there is no parameter {sorted(unknown)[0]!r}; known: {known}")
    text = query.get("background", "transparent")
    if text == "transparent":
        return None
    if text == "blur":
        return "blur"
    digits = text.removeprefix("#")
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        raise Refused(400, f"background is {text!r}; it must be transparent, blur or RRGGBB") from None
    return red, green, blue


async def _body(request: "Request", limit: int) -> bytes:
    """The body, read no further than `limit` bytes."""
    from starlette.requests import ClientDisconnect

    refused = Refused(413, f"the body is larger than {limit / (1 << 20):g} MiB")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > limit:
        raise refused
    found = bytearray()
    try:
        async for chunk in request.stream():
            found += chunk
            if len(found) > limit:
                raise refused
    except ClientDisconnect:
        raise Refused(400, "the picture was cut off") from None
    request.state.whole = True
    return bytes(found)


async def _discard(request: "Request", limit: int) -> None:
    """Reads on, for two seconds and `limit` bytes at most: many clients read no answer before all is sent."""
    if "expect" in request.headers or hasattr(request.state, "whole"):
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(2.0):
            while limit > 0:
                message = await request.receive()
                if not message.get("more_body"):
                    return
                limit -= len(message["body"])


def api(segmenter: "Segmenter", limits: Limits, hosts: frozenset[str] | None = LOOPBACK) -> "Starlette":
    """`hosts` are the names that the server answers to; None: to any.

    Answering to names of its own only, and to no other site's pages, keeps web pages that its user opens from
    having pictures cut out here.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    service = Service(segmenter, limits)

    def error(status: int, reason: str, more: dict[str, str] | None = None) -> Response:
        return JSONResponse({"error": reason}, status, HEADERS | (more or {}))

    def check(request: "Request") -> None:
        host = re.sub(r":\d*$", "", request.headers.get("host", "")).lower()
        if hosts and host not in hosts:
            raise Refused(421, f"this server is not {host!r}; call it by {', '.join(sorted(hosts))}")
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refused(403, "another site's page may not use this server")

    def picture(as_mask: bool) -> Any:
        async def endpoint(request: "Request") -> Response:
            start, status = perf_counter(), 500
            try:
                check(request)
                answer = await service.answer(request, as_mask=as_mask)
                answer.headers.update(HEADERS)
                status = 200
                return answer
            except Refused as refused:
                status = refused.status
                if status != 408:
                    await _discard(request, 4 * limits.bytes)
                raise
            finally:
                service.counts.answered(request.url.path, status, perf_counter() - start)

        return endpoint

    async def health(request: "Request") -> Response:
        check(request)
        about = {"status": "ok", "model": segmenter.engine.name, "inside": service.inside}
        return JSONResponse(about, headers=HEADERS)

    async def metrics(request: "Request") -> Response:
        check(request)
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return PlainTextResponse(service.counts.text(service.inside), headers=HEADERS, media_type=kind)

    async def refused(request: "Request", reason: Exception) -> Response:
        assert isinstance(reason, Refused)
        more = {} if reason.retry_after is None else {"Retry-After": str(reason.retry_after)}
        return error(reason.status, reason.reason, more | {"Connection": "close"})

    async def unknown(request: "Request", reason: Exception) -> Response:
        assert isinstance(reason, HTTPException)
        known = "POST /cut, POST /mask, GET /health, GET /metrics"
        return error(reason.status_code, f"there is: {known}", dict(reason.headers or {}))

    async def broken(request: "Request", reason: Exception) -> Response:
        return error(500, "this failed; the reason stands in the server's log")

    return Starlette(
        routes=[
            Route("/cut", picture(False), methods=["POST"]),
            Route("/mask", picture(True), methods=["POST"]),
            Route("/health", health),
            Route("/metrics", metrics),
        ],
        exception_handlers={Refused: refused, HTTPException: unknown, 500: broken},
    )
