"""`fastportrait doctor`: what works in this installation, what is missing, and how to get it."""

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter

import click

from .. import __version__

PACKAGES = ("numpy", "opencv-python-headless", "pillow", "pi-heif", "onnxruntime")
OPTIONAL = ("torch",)


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    found: str
    """What is there, or what is wrong."""
    cure: str = ""
    """What to do about it, where it is not well."""
    essential: bool = True
    """Whether nothing can be cut out without it."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check this installation, with one real picture cut out."""
    checks = [*packages(), *engines(), *codecs(), *models(), inference()]
    broken = any(check.essential and not check.ok for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": not broken, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        for check in checks:
            state = "ok" if check.ok else "BROKEN" if check.essential else "absent"
            click.echo(f"{state:<8}{check.name:<26}{check.found}")
            if check.cure and not check.ok:
                click.echo(f"{'':<8}-> {check.cure}")
        click.echo("\n" + ("Something essential is broken." if broken else "All that is essential works."))
    if broken:
        ctx.exit(1)


def packages() -> list[Check]:
    """Versions, by metadata: importing them is left to the checks that use them."""
    checks = [Check("fastportrait", True, __version__), Check("python", True, platform.python_version())]
    for package in (*PACKAGES, *OPTIONAL):
        essential = package in PACKAGES
        try:
            checks.append(Check(package, True, version(package), essential=essential))
        except PackageNotFoundError:
            extra = "fastportrait" if essential else "'fastportrait[nets]'"
            checks.append(Check(package, False, "not installed", f"run: pip install {extra}", essential))
    return checks


def engines() -> list[Check]:
    from ..engines import available, cure

    checks = []
    for name, point in sorted(available().items()):
        essential, label = name == "onnx", f"engine .{name}"
        try:
            point.load()
        except Exception as error:  # a library that is there and does not load fails in its own way
            found = f"{type(error).__name__}: {error}".split("\n")[0]
            checks.append(Check(label, False, found, cure(name), essential))
        else:
            checks.append(Check(label, True, point.value, essential=essential))
    return checks


def codecs() -> list[Check]:
    from PIL import features

    try:
        import pi_heif

        heic = Check("reads HEIC", True, f"libheif {pi_heif.libheif_version()}", essential=False)
    except ImportError as error:
        heic = Check("reads HEIC", False, str(error), "run: pip install pi-heif", essential=False)
    checks = [heic]
    for name, feature in (("reads AVIF", "avif"), ("reads and writes WebP", "webp")):
        cure = "run: pip install --upgrade pillow (its wheels have it)"
        found = features.version(feature) if features.check(feature) else None
        checks.append(Check(name, bool(found), found or "not in this Pillow", cure, essential=False))
    return checks


def models() -> list[Check]:
    from ..weights import list_models, verified

    checks = []
    for card in list_models():
        label = f"model {card['name']}"
        try:
            path = verified(card)
        except ValueError as error:
            checks.append(Check(label, False, str(error), "run: pip install --force-reinstall fastportrait"))
        else:
            checks.append(Check(label, True, f"{path.name}, SHA-256 {card['sha256'][:12]}... verified"))
    reinstall = "run: pip install --force-reinstall fastportrait"
    return checks or [Check("models", False, "this build ships none", reinstall)]


def inference() -> Check:
    """The default model on a grey picture of 640 x 480, after one run to warm up."""
    try:
        import numpy as np

        from ..segmenter import Segmenter

        segmenter, frame = Segmenter(), np.full((480, 640, 3), 128, np.uint8)
        segmenter(frame)
        start = perf_counter()
        alpha = segmenter(frame)
        ms = (perf_counter() - start) * 1000
    except Exception as error:  # whatever it is, it is what the user wants to know
        return Check("one picture", False, f"{type(error).__name__}: {error}", "see the lines above")
    return Check(
        "one picture", alpha.shape == (480, 640), f"640 x 480 in {ms:.1f} ms, {segmenter.engine.name}"
    )
