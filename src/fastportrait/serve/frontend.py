"""The phone app's front end: where its build lies, whether it is current, and building it with npm.

Standard library alone and no import of the package: the wheel's build hook (hatch_build.py) loads this file.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Where Vite writes the built app, and where it lies in an installed package."""

SOURCES = (
    "index.html",
    "model",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
)
"""What the build is made of, in the folder `app`."""

NODE = "install Node.js 20.19 or newer (https://nodejs.org), which brings npm"


def is_built(static: Path = STATIC) -> bool:
    return (static / "index.html").is_file()


def sources(package: Path = STATIC.parent.parent) -> Path | None:
    """The folder `app` of the checkout that `package`, src/fastportrait, lies in; None outside of one."""
    app = package.parent.parent / "app"
    return app if (app / "package.json").is_file() and (app / "index.html").is_file() else None


def is_stale(app: Path, static: Path = STATIC) -> bool:
    """Whether a source in `app` is younger than the build, or there is no build."""
    if not is_built(static):
        return True
    built = (static / "index.html").stat().st_mtime
    files = [file for name in SOURCES for file in [app / name, *(app / name).rglob("*")] if file.is_file()]
    return any(file.stat().st_mtime > built for file in files)


def npm() -> str | None:
    """The npm to call, a path (on Windows it is `npm.cmd`); None where Node.js is not installed."""
    return shutil.which("npm") if shutil.which("node") else None


def build(app: Path, say: Callable[[str], object], static: Path = STATIC) -> None:
    """Build `app` from its lock file into `static`: a minute, and npm's registry the first time.

    Raises ValueError with the cure where npm is absent or fails.
    """
    command = npm()
    if command is None:
        raise ValueError(f"the app is not built yet, and npm, which builds it, is not there: {NODE}")
    lock, installed = app / "package-lock.json", app / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        say("Installing what builds the app (npm ci) ...")
        _run([command, "ci", "--no-audit", "--no-fund"], app)
    say("Building the app (npm run build) ...")
    _run([command, "run", "build"], app)
    if not is_built(static):
        raise ValueError(f"`npm run build` in {app} ended well but left no index.html in {static}")


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-20:])
        raise ValueError(f"`npm {' '.join(command[1:])}` failed in {folder}:\n{said}")


def ready(say: Callable[[str], object]) -> Path:
    """The folder of the built app; in a checkout it is built first where absent or older than its sources.

    Raises ValueError with the cure where there is none and none can be built.
    """
    app = sources()
    if app is None:
        if is_built():
            return STATIC
        raise ValueError(
            "this installation was built without the phone app. Install a released wheel, or build one in a "
            f"checkout: {NODE}, then `FASTPORTRAIT_BUILD_APP=1 python -m pip install .`"
        )
    if is_stale(app):
        if is_built() and npm() is None:
            say(f"The app's sources are newer than its build, which is served as it is; {NODE}.")
        else:
            build(app, say)
    return STATIC
