"""What must hold of an installed wheel without Node.js: .venv-app/bin/python .ci/app.py

The page comes with all that it names, over HTTP to this computer and over HTTPS to one that trusts the
authority, and Ctrl-C ends it without a word.
"""

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import fastportrait

CHECKOUT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).parent / "fastportrait"
LARGEST = 12_000_000
"""Bytes that the first load may have, compressed."""
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}


def serve(home: str, *options: str) -> tuple["subprocess.Popen[str]", str]:
    """The process of `fastportrait app`, and the address that it names."""
    env = os.environ | {"HOME": home, "XDG_CONFIG_HOME": home, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [COMMAND, "app", "--port", "0", *options], stdout=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"https?://\S+:\d+/", line)
    assert found, f"{line!r} names no address"
    return process, found[0]


def end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0, f"Ctrl-C ended it with code {process.returncode}"


def fetch(url: str, context: ssl.SSLContext | None = None) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(url, timeout=60, context=context) as answer:
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


def squeezed(url: str) -> int:
    """Bytes of the file as they travel to a browser, which takes gzip."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(answer.read())


assert shutil.which("node") is None, "Node.js is on the PATH; this shall run without"
home = Path(fastportrait.__file__).resolve()
assert CHECKOUT / "src" not in home.parents, f"{home}: this must run the installed wheel, not the sources"

with tempfile.TemporaryDirectory() as config:
    process, url = serve(config)
    page, headers = fetch(url)
    assert headers["cross-origin-opener-policy"] == "same-origin", headers
    assert headers["cross-origin-embedder-policy"] == "require-corp", headers
    assert "'wasm-unsafe-eval'" in headers["content-security-policy"], headers
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', page.decode()))
    assert any(name.endswith((".js", ".mjs")) for name in named), f"the page names no script: {named}"
    for name in sorted(named):
        data, headers = fetch(urljoin(url, name))
        kind = TYPES.get(Path(name).suffix, "")
        assert data, f"{name} is empty"
        assert headers["content-type"].startswith(kind), f"{name} is {headers['content-type']}"
    kept = re.search(r"\[\"[^\]]*\"\]", fetch(urljoin(url, "sw.js"))[0].decode())
    assert kept, "the service worker lists no files"
    files = json.loads(kept[0])
    assert {".html", ".js", ".wasm", ".onnx"} <= {Path(name).suffix for name in files}, files
    load = {name: squeezed(urljoin(url, name)) for name in files}
    assert sum(load.values()) < LARGEST, f"the first load is {sum(load.values()) / 1e6:.1f} MB compressed"
    end(process)

    process, url = serve(config, "--lan", "--address", "127.0.0.1")
    (authority,) = Path(config).rglob("authority.pem")
    context = ssl.create_default_context(
        cadata=authority.read_text().split("-----END PRIVATE KEY-----")[1].strip()
    )
    assert fetch(url, context)[0] == page
    assert b"Certificate Trust Settings" in fetch(urljoin(url, "ca"), context)[0]
    end(process)

    out = Path(config) / "site"
    subprocess.run([COMMAND, "app", "--export", out], check=True, stdout=subprocess.DEVNULL)
    assert (out / "index.html").read_bytes() == page
    assert "Cross-Origin-Embedder-Policy: require-corp" in (out / "_headers").read_text()

for name, size in sorted(load.items(), key=lambda item: -item[1])[:5]:
    print(f"{size / 1e6:8.3f} MB  {name}")
print(
    f"{sum(load.values()) / 1e6:8.3f} MB  compressed: the first load, {len(load)} files; served and exported"
)
