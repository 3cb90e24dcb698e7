"""Running a server until it is stopped, with or without TLS; plain HTTP that meets TLS is told the way."""

import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn

HANDSHAKE = 0x16
"""The first byte of TLS; no HTTP method begins with it."""


def server(app: Any, *, context: ssl.SSLContext | None = None, at_once: int = 200) -> "uvicorn.Server":
    """A quiet server for `app`, of at most `at_once` connections; `.run(sockets=[...])` runs it."""
    import uvicorn

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=at_once,
        timeout_graceful_shutdown=2,
    )
    config.load()
    config.ssl = context
    return uvicorn.Server(config)


def run(app: Any, door: socket.socket, *, context: ssl.SSLContext | None = None, at_once: int = 200) -> None:
    """Serve until Ctrl-C or a signal to end, which is no error."""
    try:
        server(app, context=context, at_once=at_once).run(sockets=[door])
    except KeyboardInterrupt:
        pass
    finally:
        door.close()


def tls(pem: Path, url: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with key and certificate of `pem`; who comes without TLS is sent to `url`."""
    context = PoliteContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pem)
    context.sslobject_class = PoliteObject
    words = f"This page is encrypted: open {url}\n"
    context.answer = (
        f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {url}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(words)}\r\nConnection: close\r\n\r\n{words}"
    ).encode()
    return context


class PoliteContext(ssl.SSLContext):
    """Shows its objects the bytes that they are fed, so that they notice plain HTTP."""

    answer = b""

    def wrap_bio(self, incoming: Any, outgoing: Any, *rest: Any, **named: Any) -> ssl.SSLObject:
        made = super().wrap_bio(incoming, outgoing, *rest, **named)
        assert isinstance(made, PoliteObject)
        made.incoming, made.outgoing, made.answer = incoming, outgoing, self.answer
        return made


class PoliteObject(ssl.SSLObject):
    """A TLS connection that answers in plain HTTP where the first byte is not TLS."""

    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    answer: bytes
    state = "silent"

    def do_handshake(self) -> None:
        if self.state == "silent" and self.incoming.pending:
            heard = self.incoming.read()
            self.incoming.write(heard)
            self.state = "tls" if heard[0] == HANDSHAKE else "plain"
            if self.state == "plain":
                self.outgoing.write(self.answer)
                raise ssl.SSLWantReadError  # the caller sends what is written, and comes back
        if self.state == "plain":
            raise ssl.SSLError("the client spoke plain HTTP, and was sent to https")
        super().do_handshake()
