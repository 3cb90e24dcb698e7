"""`fastportrait cut`: files, folders or a pipe in, cut-outs out; the videos among them in cut_video.py."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..media.batch import Job
    from ..media.film import Wish
    from ..media.images import Array8, Picture
    from ..segmenter import Segmenter

CODECS = ("h264", "h265", "vp9", "prores")
AT_ONCE = 2
"""Pictures in work at the same time: one is decoded or encoded while the other is cut out."""


@dataclass
class Report:
    """What became of one picture or video."""

    input: str
    output: str
    width: int | None = None
    height: int | None = None
    presence: float | None = None
    """In [0, 1]."""
    person: bool | None = None
    skipped: bool = False
    error: str | None = None
    ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds of decode, mask, compose, encode."""


@dataclass(frozen=True)
class Work:
    """What is done with every picture."""

    segmenter: "Segmenter"
    background: Any
    """None (transparent), (r, g, b), (h, w, 3) uint8, the path of a video, or "blur"."""
    as_mask: bool
    max_pixels: int


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o", "--out", metavar="OUT", help="A folder; for one picture a file, or - for stdout. [cutouts/]"
)
@click.option(
    "--background",
    default="transparent",
    metavar="transparent|#RRGGBB|blur|PICTURE|VIDEO",
    help="What to put behind the person.",
)
@click.option("--mask", "as_mask", is_flag=True, help="Write the mask, 8 bits, white for the person.")
@click.option("--model", metavar="NAME|FILE", help="A shipped model or a model file. [small]")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads of each step; 1 also takes pictures one by one.",
)
@click.option(
    "--subject",
    type=click.Choice(["all", "main"]),
    default="all",
    show_default=True,
    help="Everyone, or of several people the main one.",
)
@click.option("--max-megapixels", type=click.FloatRange(min=0, min_open=True), default=120, show_default=True)
@click.option("--steady/--no-steady", default=True, help="Masks of a video that hold still. [--steady]")
@click.option("--codec", type=click.Choice(CODECS), help="Of a video. [by its ending]")
@click.option("--overwrite", is_flag=True, help="Do again what is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each picture as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    out: str | None,
    background: str,
    as_mask: bool,
    model: str | None,
    threads: int | None,
    subject: str,
    max_megapixels: float,
    steady: bool,
    codec: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Cut people out of photos and videos: files, folders with all that is in them, or - for a pipe.

    \b
    fastportrait cut me.jpg                          cutouts/me.png
    fastportrait cut me.jpg -o me.webp               the ending decides the format
    fastportrait cut photos/ -o cut/                 the folder's tree, mirrored
    fastportrait cut - < me.jpg > me.png             a pipe
    fastportrait cut me.jpg --background "#3b6ea5"   on a colour, a picture or a blur
    fastportrait cut clip.mp4                        cutouts/clip.webm, with its sound
    fastportrait cut clip.mp4 -o clip.mov            mp4 webm mov mkv gif webp, or clip-%06d.png

    PNG, WebP, TIFF, WebM, MOV and GIF hold transparency; what is transparent already stays so. Nothing is
    ever written over an input, and what is finished is skipped when run again.
    """
    if as_mask and background != "transparent":
        raise click.UsageError("--mask has no background; leave one of the two away.")
    max_pixels = round(max_megapixels * 1e6)
    behind, behind_file = _background(background, max_pixels)
    piped = "-" in inputs or out == "-"
    from ..media.film import Wish

    wish = Wish(behind, as_mask, steady, codec)
    jobs = [] if piped else _plan(inputs, out, wish)
    if piped and (len(inputs) > 1 or as_json):
        raise click.UsageError("a pipe takes one picture and gives one, without --json.")
    import cv2

    from ..media.batch import identities, is_video
    from ..segmenter import Segmenter
    from . import cut_video

    if threads:
        cv2.setNumThreads(threads)
    films = [job for job in jobs if is_video(job.source)]
    photos = [job for job in jobs if not is_video(job.source)]
    try:
        segmenter = Segmenter(
            model,
            threads=threads or (cut_video.threads() if films and not photos else None),
            subject=subject,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    work = Work(segmenter, _still(behind, max_pixels) if photos or piped else behind, as_mask, max_pixels)
    if piped:
        _pipe(work, inputs[0], out, overwrite)
        return
    kept = [Path(name) for name in (behind_file, model) if name]
    known = identities([*(job.source for job in jobs), *kept])
    reports = (
        _batch(work, photos, known, overwrite, workers=min(AT_ONCE, threads or AT_ONCE)) if photos else []
    )
    if films:
        if photos and not threads:
            segmenter = Segmenter(model, threads=cut_video.threads(), subject=subject)
        cv2.setNumThreads(threads or 1)
        reports += cut_video.batch(segmenter, films, wish, known, overwrite)
    if len(reports) > 1:
        click.echo(_summary(reports), err=True)
    if as_json:
        click.echo(json.dumps([vars(report) for report in reports], indent=2))
    if any(getattr(report, "stopped", False) for report in reports):
        ctx.exit(130)
    if any(report.error for report in reports):
        ctx.exit(1)


def _background(text: str, max_pixels: int) -> tuple[Any, str | None]:
    """The background for `compose`, and the file that it came from."""
    from PIL import ImageColor

    from ..media import images
    from ..media.batch import is_video

    if text == "transparent":
        return None, None
    if text == "blur":
        return "blur", None
    if text.startswith("#") or text.lower() in ImageColor.colormap:
        try:
            return ImageColor.getrgb(text)[:3], None
        except ValueError:
            raise click.UsageError(f"--background {text}: a colour is written #RRGGBB.") from None
    if is_video(Path(text)) and Path(text).is_file():
        return Path(text), text
    try:
        return images.read(text, max_pixels=max_pixels).frame, text
    except FileNotFoundError:
        known = "transparent, blur, #RRGGBB, the name of a colour, a picture or a video"
        raise click.UsageError(f"--background {text}: no such picture; it takes {known}.") from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--background {text}: {_reason(error, text)}") from None


def _still(behind: Any, max_pixels: int) -> Any:
    """What stands behind a photo: of a video its first frame."""
    if not isinstance(behind, Path):
        return behind
    from ..media.videos import Video

    try:
        with Video(behind, deep=False) as video:
            return next(iter(video)).frame
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--background {behind}: {_reason(error, str(behind))}") from None


def _plan(inputs: Iterable[str], out: str | None, wish: "Wish") -> list["Job"]:
    from ..media import batch, film, images, videos

    paths = [Path(name) for name in inputs]
    target = Path(out or "cutouts")
    one = len(paths) == 1 and not paths[0].is_dir()
    as_folder = out is None or out.endswith(("/", "\\")) or target.is_dir() or not target.suffix
    if one and not as_folder:
        try:
            if batch.is_video(paths[0]):
                film.check(str(out), wish)
            else:
                images.check_ending(target.suffix, transparent=wish.transparent)
        except ValueError as error:
            raise click.UsageError(f"{out} {error}") from None
        return [batch.Job(paths[0], target)]
    if target.is_file() or (not as_folder and target.suffix.lower() in (*batch.ENDINGS, *images.WRITES)):
        raise click.UsageError(f"{out} is a file; several inputs need a folder, as in -o {target.stem}/")
    if any(path.is_dir() and path.resolve() == target.resolve() for path in paths):
        raise click.UsageError(f"-o {out} is the folder that the pictures come from; choose another")
    jobs = batch.plan(paths, target, "-mask.png" if wish.as_mask else ".png", film.ending(wish))
    if not jobs:
        endings = f"pictures end with {' '.join(images.ENDINGS)}, videos with {' '.join(videos.ENDINGS)}"
        raise click.ClickException(f"no pictures or videos in {', '.join(inputs)}; {endings}")
    if any(batch.is_video(job.source) for job in jobs):
        try:
            film.check(f"x{film.ending(wish)}", wish)
        except ValueError as error:
            raise click.UsageError(f"--codec {wish.codec}: {film.ending(wish)} {error}") from None
    return jobs


def _render(work: Work, picture: "Picture", report: Report) -> "Array8":
    """The pixels to write. Fills in what `report` says about the picture."""
    import numpy as np

    from .. import compose
    from ..segmenter import PRESENT

    frame = picture.frame
    report.height, report.width = frame.shape[:2]
    start = perf_counter()
    mask = work.segmenter.mask(frame)
    presence = work.segmenter.presence(mask)
    report.presence, report.person = round(presence, 4), presence >= PRESENT
    alpha = work.segmenter.alpha(frame, mask)
    if picture.alpha is not None:
        alpha *= picture.alpha.astype(np.float32) / 255
    report.ms["mask"] = _ms(start)
    start = perf_counter()
    if work.as_mask:
        pixels = np.rint(alpha * 255).astype(np.uint8)
    elif work.background is None:
        pixels = compose.cutout(frame, alpha)
    else:
        pixels = compose.composite(frame, alpha, work.background)
    report.ms["compose"] = _ms(start)
    return pixels


def _pipe(work: Work, source: str, out: str | None, overwrite: bool) -> None:
    """One picture, from or to a pipe; messages go to stderr."""
    from ..media import images

    binary = sys.stdin.buffer if source == "-" else source
    report = Report(source, out or "-")
    name = "stdin" if source == "-" else source
    try:
        if out in (None, "-"):
            ending = ".png"
        else:
            target = Path(str(out))
            if target.exists() and not overwrite:
                raise images.ImageError(f"{out} is there already; --overwrite does it again")
            ending = images.check_ending(
                target.suffix, transparent=work.background is None and not work.as_mask
            )
        data = images.encode(_render(work, images.read(binary, max_pixels=work.max_pixels), report), ending)
        if out in (None, "-"):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            images.save(target, data)
    except (OSError, ValueError, MemoryError) as error:
        raise click.ClickException(f"{name}: {_reason(error, source)}") from None
    if not report.person:
        click.echo(f"No person found in {name}.", err=True)


def _batch(
    work: Work, jobs: list["Job"], inputs: set[tuple[int, int]], overwrite: bool, workers: int
) -> list[Report]:
    """Every picture, two at a time, with a bar on a terminal. One that fails does not stop the others."""
    from concurrent.futures import ThreadPoolExecutor

    reports = []
    shown = len(jobs) > 1 and sys.stderr.isatty()
    with (
        ThreadPoolExecutor(workers) as pool,
        click.progressbar(length=len(jobs), file=sys.stderr, hidden=not shown) as bar,
    ):
        for report in pool.map(lambda job: _job(work, job, inputs, overwrite), jobs):
            reports.append(report)
            if line := _line(report, alone=len(jobs) == 1):
                click.echo(f"\r\x1b[K{line}" if shown else line, err=True)
            bar.update(1)
    return reports


def _job(work: Work, job: "Job", inputs: set[tuple[int, int]], overwrite: bool) -> Report:
    from ..media import images
    from ..media.batch import identities

    report = Report(str(job.source), str(job.target))
    try:
        if identities([job.target]) & inputs:
            raise images.ImageError(
                f"would be written over {job.target}, which is an input; choose another -o"
            )
        if job.target.exists() and not overwrite:
            report.skipped = True
            return report
        start = perf_counter()
        picture = images.read(job.source, max_pixels=work.max_pixels)
        report.ms["decode"] = _ms(start)
        pixels = _render(work, picture, report)
        start = perf_counter()
        job.target.parent.mkdir(parents=True, exist_ok=True)
        images.write(job.target, pixels)
        report.ms["encode"] = _ms(start)
    except (OSError, ValueError, MemoryError) as error:
        report.error = _reason(error, report.input)
    return report


def _line(report: Report, *, alone: bool) -> str | None:
    name, output = click.format_filename(report.input), click.format_filename(report.output)
    if report.error:
        return f"{name}: {report.error}"
    if report.skipped:
        return f"{output} is there already; --overwrite does it again." if alone else None
    if not report.person:
        return f"No person found in {name}."
    return f"{output} ({report.width} x {report.height}, {sum(report.ms.values()):.0f} ms)" if alone else None


def _summary(reports: list[Report]) -> str:
    failed = sum(report.error is not None for report in reports)
    skipped = sum(report.skipped for report in reports)
    nobody = sum(report.person is False and not report.error for report in reports)
    parts = [f"{len(reports) - failed - skipped} done"]
    if nobody:
        parts.append(f"{nobody} of them without a person")
    if skipped:
        parts.append(f"{skipped} skipped, being there already (--overwrite does them again)")
    if failed:
        parts.append(f"{failed} failed")
    return ", ".join(parts)


def _reason(error: BaseException, source: str) -> str:
    """One line without the name of `source`, which stands before it."""
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, OSError) and error.strerror:
        other = error.filename2 or error.filename
        return error.strerror if str(other) in ("None", source) else f"{error.strerror}: {other}"
    return str(error)


def _ms(start: float) -> float:
    return round((perf_counter() - start) * 1000, 1)
