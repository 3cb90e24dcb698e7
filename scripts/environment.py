"""Make a virtual environment with fastportrait in it, or leave it alone where it is still right.

    python scripts/environment.py .venv --extras dev      # editable, for work on the project
    python scripts/environment.py .venv-demo              # the core as a user gets it, from a wheel

Rebuilt from empty when Python, the dependencies or this folder's place changed, or when it no longer runs.
Where only sources changed, the project alone is installed again. Standard library only.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGED = (
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
    "LICENSE-WEIGHTS",
    "THIRD_PARTY.md",
    "src",
)


def dependencies_stamp(extras: str) -> str:
    """Changes with whatever decides which packages the environment holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = (sys.version, str(ROOT), extras, project["build-system"], project["project"])
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def sources_stamp() -> str:
    """Changes with every file that goes into the wheel."""
    digest = hashlib.sha256()
    for top in PACKAGED:
        for path in sorted([ROOT / top, *(ROOT / top).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def works(python: Path) -> bool:
    command = [python, "-c", "import fastportrait, pip"]
    return python.exists() and subprocess.run(command, cwd=python.parent, capture_output=True).returncode == 0


def pip_install(python: Path, *what: str) -> None:
    """Run pip quietly: only its warnings and errors reach the terminal. Leave where it fails."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    # Without the phone app: it takes Node.js and a minute, and .ci/app makes and tests a wheel that holds it.
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PIP_USER": "0", "FASTPORTRAIT_BUILD_APP": "0"}
    )
    if done.returncode:
        sys.exit(f"pip could not install {' '.join(what)}; the reason stands above. Is the network there?")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extras", default="", help="comma-separated; with any, the install is editable")
    args = parser.parse_args()

    folder = ROOT / args.folder
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    record = folder / "fastportrait-installed"  # written last: an interrupted install has none
    dependencies, sources = dependencies_stamp(args.extras), "editable" if args.extras else sources_stamp()

    known = record.read_text().split() if record.exists() else []
    if known == [dependencies, sources] and works(python):
        return
    if known[:1] == [dependencies] and works(python):
        record.unlink()
        pip_install(python, "--no-deps", "--force-reinstall", ".")
    else:
        print(
            f"Making {args.folder} (minutes the first time, seconds after that) ...",
            file=sys.stderr,
            flush=True,
        )
        venv.create(folder, clear=True, symlinks=os.name != "nt", with_pip=True)
        pip_install(python, *(("--editable", f".[{args.extras}]") if args.extras else (".",)))
    record.write_text(f"{dependencies}\n{sources}\n")


if __name__ == "__main__":
    main()
