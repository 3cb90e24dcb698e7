"""What became of a picture or video, in words: a line for each, a summary of all."""

import json
from dataclasses import dataclass, field
from time import perf_counter

import click


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


def line(report: Report, *, alone: bool) -> str | None:
    name, output = click.format_filename(report.input), click.format_filename(report.output)
    if report.error:
        return f"{name}: {report.error}"
    if report.skipped:
        return f"{output} is there already; --overwrite does it again." if alone else None
    if not report.person:
        return f"No person found in {name}."
    return f"{output} ({report.width} x {report.height}, {sum(report.ms.values()):.0f} ms)" if alone else None


def summary(reports: list[Report]) -> str:
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


def close(reports: list[Report], as_json: bool) -> int:
    """Prints what is to be said of all, and gives the command's exit status."""
    if len(reports) > 1:
        click.echo(summary(reports), err=True)
    if as_json:
        click.echo(json.dumps([vars(report) for report in reports], indent=2))
    if any(getattr(report, "stopped", False) for report in reports):
        return 130
    return int(any(report.error for report in reports))


def reason(error: BaseException, source: str) -> str:
    """One line without the name of `source`, which stands before it."""
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, OSError) and error.strerror:
        other = error.filename2 or error.filename
        return error.strerror if str(other) in ("None", source) else f"{error.strerror}: {other}"
    return str(error)


def ms(start: float) -> float:
    return round((perf_counter() - start) * 1000, 1)
