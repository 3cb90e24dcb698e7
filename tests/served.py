"""A real server in a thread, and bytes sent to it as they are."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastportrait.serve import local, running


@contextmanager
def served(
    app: Any, context: ssl.SSLContext | None = None, door: socket.socket | None = None
) -> Iterator[int]:
    """The port on 127.0.0.1 where `app` is served; requests wait in the socket until the server is up."""
    door = door or local.listen("127.0.0.1", 0)
    server = running.server(app, context=context)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        door.close()


def ask(port: int, request: bytes) -> bytes:
    """All that the server answers to `request`, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))
