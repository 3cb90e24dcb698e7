"""The app's server, as an ASGI application: files out of a table, a certificate to trust, errors in words."""

from typing import TYPE_CHECKING, Any

from . import headers, pages
from .assets import Asset

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .authority import Authority


def site(assets: dict[str, Asset], authority: "Authority | None" = None) -> "Secured":
    """Serves `assets`, with "/" for index.html. With an `authority`, /ca offers its certificate."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.responses import Response
    from starlette.routing import Route

    page = {"Content-Security-Policy": pages.policy(), "Cache-Control": headers.ASK_FIRST}

    def html(data: bytes, status: int = 200, more: dict[str, str] | None = None) -> Response:
        return Response(data, status, page | (more or {}), headers.TYPES[".html"])

    async def file(request: "Request") -> Response:
        asset = assets.get(request.path_params["path"] or "index.html")
        if asset is None:
            raise HTTPException(404)
        return await _answer(request, asset)

    async def trust(request: "Request") -> Response:
        if authority is None:
            return html(pages.no_authority())
        return html(pages.trust(f"{authority.until:%d %B %Y}"))

    async def certificate(request: "Request") -> Response:
        if authority is None:
            raise HTTPException(404)
        return Response(authority.der, media_type="application/x-x509-ca-cert")

    async def failed(request: "Request", error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        more = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        return html(pages.error(status, request.url.path), status, more)

    app = Starlette(
        routes=[Route("/ca", trust), Route(pages.CERTIFICATE, certificate), Route("/{path:path}", file)],
        exception_handlers={HTTPException: failed, 500: failed},
    )
    app.router.redirect_slashes = False
    return Secured(app)


async def _answer(request: "Request", asset: Asset) -> "Response":
    """The file, or 304 where the browser has it; in gzip where the browser takes it and it helps."""
    import anyio
    from starlette.responses import Response

    small = None
    if takes_gzip(request.headers.get("accept-encoding", "")):
        small = await anyio.to_thread.run_sync(lambda: asset.gzipped)
    etag = f'"{asset.etag}{"-gz" if small else ""}"'
    about = {"ETag": etag, "Cache-Control": headers.cache(asset.name), "Vary": "Accept-Encoding"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=about)
    if small:
        about["Content-Encoding"] = "gzip"
    return Response(small or asset.data, headers=about, media_type=headers.media_type(asset.name))


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip: named, and not with q=0."""
    for part in accepted.lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() == "gzip":
            return quality.replace(" ", "").rstrip("0").rstrip(".") not in ("q=", "q=0")
    return False


class Secured:
    """Puts headers.SECURITY on every answer that has not its own, and no body behind a HEAD."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                more = [(n.lower().encode(), v.encode()) for n, v in headers.SECURITY.items()]
                message = message | {"headers": [*message["headers"], *(h for h in more if h[0] not in own)]}
            elif scope["method"] == "HEAD":
                message = message | {"body": b""}
            await send(message)

        await self.app(scope, receive, sending)
