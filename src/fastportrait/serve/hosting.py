"""The app as a folder for any static host, with its headers in a `_headers` file."""

import secrets
import shutil
from pathlib import Path

from . import headers
from .assets import read


def export(static: Path, out: Path) -> list[str]:
    """Copies the built app in `static` to the folder `out`, whole or not at all; the files' names.

    Raises ValueError where `out` is there and not an empty folder: nothing is written over.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is there already and not empty; name a new folder")
    assets = read(static)
    files = {name: asset.data for name, asset in assets.items()}
    files["_headers"] = headers.headers_file(list(assets)).encode()
    part = out.absolute().parent / f".{secrets.token_hex(6)}.part"
    try:
        for name, data in files.items():
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if out.exists():
            out.rmdir()
        part.rename(out)
    except OSError as error:
        raise ValueError(f"cannot write {out}: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(files)
