"""What every answer of the app's server says beside its content: types, caching, and what the page may do."""

import re
from pathlib import PurePosixPath

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".mp4": "video/mp4",
    ".onnx": "application/octet-stream",
    ".tflite": "application/octet-stream",
}
"""By ending. Not the operating system's table: on some a .js is text/plain there, which browsers refuse."""

SQUEEZED = {".png", ".jpg", ".webp", ".woff2", ".mp4"}
"""Compressed already."""

CONTENT_SECURITY = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",  # WebAssembly may compile; eval may not
    "worker-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",  # a photo that was picked or taken
    "media-src": "'self' blob:",  # a clip that was recorded
    "connect-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

SECURITY = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in CONTENT_SECURITY.items()),
    # These two isolate the page from others, for which browsers allow WebAssembly threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer, errors too."""

FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
"""Kept, but never used before the server said that it is still the same (304)."""

HASHED = re.compile(r"^assets/.*-[A-Za-z0-9_-]{8}\.\w+$")


def media_type(name: str) -> str:
    return TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def cache(name: str) -> str:
    """`name` as below the app's folder. Vite writes a hash of the content into the names under assets/."""
    return FOR_EVER if HASHED.match(name) else ASK_FIRST


def headers_file(names: list[str]) -> str:
    """A `_headers` file, as Cloudflare Pages, Netlify and others read it, for the files `names`.

    Each file that is cached for ever has its own rule: where two rules set the same header, these hosts join
    the values. The others have none, since both hosts make browsers ask first by themselves.
    """
    rules = [("/*", SECURITY)]
    rules += [(f"/{name}", {"Cache-Control": FOR_EVER}) for name in sorted(names) if cache(name) == FOR_EVER]
    return "\n".join(
        f"{path}\n" + "".join(f"  {name}: {value}\n" for name, value in values.items())
        for path, values in rules
    )
