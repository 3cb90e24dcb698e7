"""ncnn's source into a folder, for CMake to build: `python get_ncnn.py FOLDER`.

It is what ncnn's Python package is made of, asked of the package index that pip uses and checked by SHA-256.
pip itself will not unpack it: its version is the day on which it is built. Standard library and pip only.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import urllib.request
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

FILE = "ncnn-1.0.20261020.tar.gz"
SHA256 = "ad8cdd63e9755cfa8e23b9b6d9ce46156077d80298a89e7c3ba325ffccfca200"


def index() -> str:
    """The package index that pip is set to, or pip's own."""
    from pip._internal.models.index import PyPI  # pip has no public name for it

    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
    ).stdout
    named = re.findall(r"^\S+\.index-url='([^']+)'", said, re.MULTILINE)
    return (named[-1] if named else PyPI.simple_url).rstrip("/") + "/"


def get(url: str) -> bytes:
    kinds = "application/vnd.pypi.simple.v1+json, text/html;q=0.1, */*;q=0.01"
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept": kinds}), timeout=120
    ) as answer:
        return bytes(answer.read())


def address() -> str:
    page = urljoin(index(), "ncnn/")
    text = get(page).decode()
    try:
        found = [file["url"] for file in json.loads(text)["files"] if file["filename"] == FILE]
    except ValueError:  # an index that speaks HTML alone
        found = re.findall(rf'href="([^"]*{re.escape(FILE)}[^"]*)"', text)
    if not found:
        sys.exit(f"the package index has no {FILE}")
    return urljoin(page, found[0])


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    if (folder / "CMakeLists.txt").exists():
        return
    try:
        data = get(address())
    except OSError as error:
        sys.exit(f"ncnn's source cannot be had: {error}. Is the network there?")
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"{FILE}: not the file expected (SHA-256 differs)")
    partial = folder.with_name(folder.name + ".partial")
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        archive.extractall(partial, filter="data")
    (inner,) = partial.iterdir()
    inner.rename(folder)
    partial.rmdir()


main()
