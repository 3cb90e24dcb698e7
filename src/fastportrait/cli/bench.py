"""`fastportrait bench MODEL...`: what networks cost, side by side in one run."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..results import Result


def names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """a,b,c"""
    return tuple(value.split(",")) if value else ()


def numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """1,2"""
    if not all(word.isdigit() and int(word) > 0 for word in value.split(",")):
        raise click.BadParameter(f"{value}: give whole numbers above 0 with commas between, as in 1,2")
    return tuple(dict.fromkeys(int(word) for word in value.split(",")))


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--peers", is_flag=True, help="Fetch other systems from their own packages, and measure them too."
)
@click.option(
    "--peers-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where their files are kept. [FASTPORTRAIT_PEERS, else the user's cache]",
)
@click.option(
    "--runtime", callback=names, metavar="A,B", help="Of shipped models: onnx, litert, ncnn, executorch."
)
@click.option(
    "--exports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("export"),
    show_default=True,
    help="Where `fastportrait export` wrote the files for those runtimes.",
)
@click.option(
    "--threads", callback=numbers, metavar="N,M", default="1", show_default=True, help="For instance 1,2."
)
@click.option("--rounds", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--reference", help="Name that ratios are to. [the first; with --peers mediapipe-selfie]")
@click.option("--networks-only", is_flag=True, help="Leave out frames, first masks and memory.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of shards: measure how good the masks are as well.",
)
@click.option(
    "--scores",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Take that from results of `fastportrait evaluate` in this folder instead.",
)
@click.option("--split", default="val", show_default=True, help="Which shards.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N pictures.")
@click.option(
    "--arm64",
    "on_arm64",
    is_flag=True,
    help="Count instructions on an emulated phone processor instead (Linux).",
)
@click.option(
    "--arm64-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where that machine is kept. [FASTPORTRAIT_ARM64, else the user's cache]",
)
@click.option(
    "--import",
    "log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take in what the phone app measured, and show all phones; nothing is run.",
)
@click.option(
    "--phones",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results/latency/phones"),
    show_default=True,
    help="Where such logs are kept.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of HTML here.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JSON here.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    models: tuple[str, ...],
    peers: bool,
    peers_folder: Path | None,
    runtime: tuple[str, ...],
    exports: Path,
    threads: tuple[int, ...],
    rounds: int,
    reference: str | None,
    networks_only: bool,
    data: Path | None,
    scores: Path | None,
    split: str,
    limit: int | None,
    on_arm64: bool,
    arm64_folder: Path | None,
    log: Path | None,
    phones: Path,
    report: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure MODELS side by side: shipped names, files, or peer:NAME; "small" where none is given.

    On the machine at hand: no statement about a phone.
    """
    from .. import results
    from ..bench import text

    field = list(models) or ["small"]
    try:
        if log is not None:
            from ..bench.phones import all_of, take_in

            click.echo(f"kept: {take_in(log, phones)}", err=True)
            click.echo(text.phone_logs(all_of(phones)))
            return
        if report is not None and (on_arm64 or report.suffix not in (".html", ".htm")):
            raise ValueError(
                f"--report {report}: it is a page of latencies; leave --arm64 out, end it in .html"
            )
        if peers:
            field += [name for name in fetched(peers_folder) if name not in field]
            reference = reference or "mediapipe-selfie"
        if on_arm64:
            result = arm64(field, runtime, exports, peers_folder, arm64_folder, reference)
        else:
            from ..bench.models import Plan, bench

            plan = Plan(
                models=field,
                threads=threads,
                runtimes=runtime,
                exports=exports,
                peers=peers_folder,
                rounds=rounds,
                reference=reference,
                whole=not networks_only,
                layers=report is not None,
                data=data,
                scores=scores,
                split=split,
                limit=limit,
            )
            result = bench(plan, progress)
        if out:
            results.write(result, out)
        if report:
            write_report(result, report)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    shown = text.arm64 if on_arm64 else text.latency
    click.echo(json.dumps(result, indent=2) if as_json else shown(result))


def fetched(folder: Path | None) -> list[str]:
    """Brings what is not there yet; then every peer that is."""
    from .. import peers
    from ..peers.fetch import fetch

    inside = peers.folder(folder)
    fetch(peers.public(), inside, lambda line: click.echo(line, err=True))
    return [f"peer:{name}" for name in peers.present(inside)]


def progress(what: str, done: int, of: int) -> None:
    """One line that counts, in a terminal; elsewhere nothing."""
    if sys.stderr.isatty() and (of < 100 or done % 10 == 0 or done == of):
        click.echo(f"\r{what}: {done} of {of}\x1b[K", err=True, nl=done == of)


def write_report(result: "Result", path: Path) -> None:
    from ..report.cost import page

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(page(result), encoding="utf-8")
    part.replace(path)
    click.echo(f"report: {path}", err=True)


def arm64(
    field: list[str],
    runtimes: tuple[str, ...],
    exports: Path,
    peers: Path | None,
    inside: Path | None,
    reference: str | None,
) -> "Result":
    """Counts every one of `field` on the emulated machine; of peers those that are small enough."""
    from ..bench.arm64 import count
    from ..bench.arm64.machine import folder, machine
    from ..bench.contestants import contestant, files

    def say(line: str) -> None:
        click.echo(line, err=True)

    models = [file for model in field for file in files(model, list(runtimes), exports)]
    contestants = [contestant(model, 1, peers) for model in models]
    counted = [one for one in contestants if one.about["ours"] or count.small_enough(one)]
    for one in contestants:
        if one not in counted:
            say(f"{one.about['name']}: left out, too large to emulate")
    if not counted:
        raise ValueError("nothing is left to count")
    there = machine(folder(inside), say)
    return count.result(
        [count.count(one, there, say) for one in counted], reference or counted[0].about["name"]
    )
