"""The photos of `fastportrait cut`: from a pipe, or many at a time with a bar on a terminal."""

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from .cut_report import Report, line, ms, reason

if TYPE_CHECKING:
    from ..media.batch import Job
    from ..media.images import Array8, Picture
    from ..segmenter import Segmenter

AT_ONCE = 2
"""Pictures in work at the same time: one is decoded or encoded while the other is cut out."""


@dataclass(frozen=True)
class Work:
    """What is done with every picture."""

    segmenter: "Segmenter"
    background: Any
    """None (transparent), (r, g, b), (h, w, 3) uint8, or "blur"."""
    as_mask: bool
    max_pixels: int


def pipe(work: Work, source: str, out: str | None, overwrite: bool) -> None:
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
        data = images.encode(render(work, images.read(binary, max_pixels=work.max_pixels), report), ending)
        if out in (None, "-"):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            images.save(target, data)
    except (OSError, ValueError, MemoryError) as error:
        raise click.ClickException(f"{name}: {reason(error, source)}") from None
    if not report.person:
        click.echo(f"No person found in {name}.", err=True)


def batch(
    work: Work, jobs: list["Job"], inputs: set[tuple[int, int]], overwrite: bool, threads: int | None
) -> list[Report]:
    """Every picture, two at a time, with a bar on a terminal. One that fails does not stop the others."""
    from concurrent.futures import ThreadPoolExecutor

    reports = []
    shown = len(jobs) > 1 and sys.stderr.isatty()
    with (
        ThreadPoolExecutor(min(AT_ONCE, threads or AT_ONCE)) as pool,
        click.progressbar(length=len(jobs), file=sys.stderr, hidden=not shown) as bar,
    ):
        for report in pool.map(lambda job: _job(work, job, inputs, overwrite), jobs):
            reports.append(report)
            if said := line(report, alone=len(jobs) == 1):
                click.echo(f"\r\x1b[K{said}" if shown else said, err=True)
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
        report.ms["decode"] = ms(start)
        pixels = render(work, picture, report)
        start = perf_counter()
        job.target.parent.mkdir(parents=True, exist_ok=True)
        images.write(job.target, pixels)
        report.ms["encode"] = ms(start)
    except (OSError, ValueError, MemoryError) as error:
        report.error = reason(error, report.input)
    return report


def render(work: Work, picture: "Picture", report: Report) -> "Array8":
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
    report.ms["mask"] = ms(start)
    start = perf_counter()
    if work.as_mask:
        pixels = np.rint(alpha * 255).astype(np.uint8)
    elif work.background is None:
        pixels = compose.cutout(frame, alpha)
    else:
        pixels = compose.composite(frame, alpha, work.background)
    report.ms["compose"] = ms(start)
    return pixels
