"""Where what was fetched is kept: a folder that a variable names, or one in the user's cache."""

import os
import sys
from pathlib import Path


def cache_folder(name: str, variable: str) -> Path:
    """The folder that the environment's `variable` names, else `name` in the user's cache. Makes nothing."""
    given = os.environ.get(variable)
    if given:
        return Path(given)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "fastportrait" / name
