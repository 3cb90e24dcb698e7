"""The videos of `fastportrait cut`: one after the other, with a bar on a terminal."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from .cut_report import Report, line, reason

if TYPE_CHECKING:
    from ..media.batch import Job
    from ..media.film import Made, Wish
    from ..segmenter import Segmenter


@dataclass
class VideoReport(Report):
    frames: int = 0
    seconds: float = 0.0
    """Of the video."""
    frames_per_second: float = 0.0
    """Of the work."""
    concealed: int = 0
    """Frames that could not be decoded and show the one before."""
    notes: list[str] = field(default_factory=list)
    stopped: bool = False
    """By Ctrl-C; what was done lies in `output`, which is then the unfinished file."""


def threads() -> int:
    """Of the network: half of the cores, because reading, composing and writing go on beside it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, cores // 2))


def batch(
    segmenter: "Segmenter", jobs: list["Job"], wish: "Wish", inputs: set[tuple[int, int]], overwrite: bool
) -> list[Report]:
    """Every video. One that fails does not stop the others; Ctrl-C does."""
    reports: list[Report] = []
    for job in jobs:
        report = _job(segmenter, job, wish, inputs, overwrite)
        reports.append(report)
        name = click.format_filename(report.input)
        for note in report.notes:
            click.echo(f"{name}: {note}.", err=True)
        if report.stopped:
            click.echo(
                f"Stopped: {report.output} has the first {report.seconds:.1f} s; "
                "run it again to do the whole.", err=True,
            )  # fmt: skip
            break
        plain = report.error or report.skipped or not report.person
        if said := line(report, alone=len(jobs) == 1) if plain else _done(report):
            click.echo(said, err=True)
    return reports


def _job(
    segmenter: "Segmenter", job: "Job", wish: "Wish", inputs: set[tuple[int, int]], overwrite: bool
) -> VideoReport:
    from ..media import film
    from ..media.batch import identities
    from ..media.shot import VideoError

    target = str(job.target)
    report = VideoReport(str(job.source), target)
    try:
        written = [Path(target % 1)] if film.is_numbered(target) else [job.target, film.partial(target)]
        if identities(written) & inputs:
            raise VideoError(f"would be written over {target}, which is an input; choose another -o")
        if film.exists(target) and not overwrite:
            report.skipped = True
            return report
        with _Bar(job.source.name) as bar:
            _fill(report, film.cut(job.source, target, segmenter, wish, bar.watch))
    except film.Interrupted as stopped:
        _fill(report, stopped.made)
        report.stopped, report.output = True, stopped.partial or target
    except (OSError, ValueError, MemoryError) as error:
        report.error = reason(error, report.input)
    return report


def _done(report: VideoReport) -> str:
    size, speed = f"{report.width} x {report.height}", f"{report.frames_per_second:.1f} frames/s"
    name = click.format_filename(report.output)
    return f"{name} ({size}, {report.frames} frames, {report.seconds:.1f} s, at {speed})"


def _fill(report: VideoReport, made: "Made") -> None:
    report.width, report.height, report.frames, report.seconds = (
        made.width,
        made.height,
        made.frames,
        made.seconds,
    )
    report.presence, report.person = made.presence, made.person > 0
    report.concealed, report.notes, report.ms = made.concealed, made.notes, made.stages
    report.frames_per_second = round(made.frames / made.took, 2) if made.took else 0.0


class _Bar:
    """Frames done, frames a second and time left; nothing where stderr is no terminal."""

    def __init__(self, name: str) -> None:
        self._name, self._start, self._done = name, perf_counter(), 0
        self._bar: Any = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def watch(self, done: int, expected: int | None) -> None:
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            speed = lambda _: f"{self._done / max(1e-3, perf_counter() - self._start):.1f} frames/s"  # noqa: E731
            self._bar = click.progressbar(
                length=expected or 0, label=self._name, file=sys.stderr, item_show_func=speed, show_pos=True
            )
            self._bar.__enter__()
        self._bar.length = max(expected or 0, done) or None
        if done > self._done:
            step, self._done = done - self._done, done
            self._bar.update(step, current_item=done)
