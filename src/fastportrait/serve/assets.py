"""The files of the built app, read once: a request is looked up in this table and never touches the disk.

So there is no path to climb out of, no folder to list, and what is sent always is what was hashed.
"""

import gzip
import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from . import headers

HOSTS_OWN = ("_headers", "_redirects")
"""Files for static hosts, which no host shows."""


@dataclass(frozen=True)
class Asset:
    name: str
    """Below the app's folder, with slashes."""
    data: bytes

    @cached_property
    def etag(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:32]

    @cached_property
    def gzipped(self) -> bytes | None:
        """The content in gzip, made when first asked for; None where that saves less than a twentieth."""
        if PurePosixPath(self.name).suffix.lower() in headers.SQUEEZED:
            return None
        small = gzip.compress(self.data, compresslevel=6, mtime=0)
        return small if len(small) < 0.95 * len(self.data) else None


def read(folder: Path) -> dict[str, Asset]:
    """Every file below `folder` by its name, without hidden ones, links, and those for static hosts.

    Raises ValueError where there is no index.html.
    """
    found = {}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            path = Path(here, file)
            name = path.relative_to(folder).as_posix()
            if (
                not file.startswith(".")
                and name not in HOSTS_OWN
                and path.is_file()
                and not path.is_symlink()
            ):
                found[name] = Asset(name, path.read_bytes())
    if "index.html" not in found:
        raise ValueError(f"{folder} holds no built app: there is no index.html in it")
    return found
