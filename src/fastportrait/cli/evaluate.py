"""`fastportrait evaluate MODEL... --data DIR`: how good are models on pictures with masks?"""

import sys
import tarfile
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..contenders import Contender
    from ..evaluate import Segment, Watch
    from ..results import Result


@click.command(name="evaluate")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="FASTPORTRAIT_DATA",
    help="Folder of shards: SPLIT-000.tar, ... [FASTPORTRAIT_DATA]",
)
@click.option("--split", default="val", show_default=True, help="Which shards.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JSON here.")
@click.option(
    "--page",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a page of overlays here, e.g. out/page.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Add a dated line to this file.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Another result of the same pictures: compare, paired.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one page that compares the models here, e.g. out/report.html; its numbers as .json beside.",
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    help="How many of the hardest pictures the report shows.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=2),
    help="Make a sequence of N frames of each still, with exact alpha, and measure how steady masks are.",
)
@click.option(
    "--harm",
    metavar="NAME",
    help="Harm every picture first: low_light, temperature, hand, thing, motion, noise, jpeg or "
    "several (somebody else beside).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads of the runtime; its own choice (peers: 1) if not given.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N pictures.")
@click.option(
    "--peers-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Files of peer:NAME, as `fastportrait bench --peers` fetches them. [FASTPORTRAIT_PEERS]",
)
def command(
    models: tuple[str, ...],
    data: Path | None,
    split: str,
    out: Path | None,
    page: Path | None,
    log: Path | None,
    against: Path | None,
    report: Path | None,
    worst: int,
    frames: int | None,
    harm: str | None,
    as_json: bool,
    threads: int | None,
    limit: int | None,
    peers_folder: Path | None,
) -> None:
    """Measure each MODEL on pictures with masks.

    MODEL is the name of a shipped model or of a network with weights, a file, or peer:NAME for other systems.
    Scores are means over pictures, each at its own size, with 95 % bootstrap intervals. The split "matte" is
    measured as exact soft alpha, "empty" and "background" as pictures without people, any other as masks.
    Several models are compared pair by pair.
    """
    from .. import evaluate as measuring
    from .. import report as reporting
    from .. import results
    from ..contenders import load_all

    try:
        if len(models) > 1 and (out or page):
            raise ValueError("--out and --page are for one model; for several give --report out/report.html")
        if frames and page:
            raise ValueError("--page shows stills: leave --frames or --page out")
        if report is not None and report.suffix not in (".html", ".htm"):
            raise ValueError(f"--report {report}: it is a page, call it {report.with_suffix('.html').name}")
        if harm is not None:
            check_harm(harm, split, frames, report)
        tars = shards_of(data, split)
        if frames:
            tars += shards_of(data, "background")
        other = None if against is None else results.read(against)
        found: list[Result] = []
        contenders = load_all(list(models), threads, peers_folder)
        for contender in contenders:
            overlays = None if page is None else reporting.Page(page)
            result = measure(
                contender, tars, split, frames, limit, None if overlays is None else overlays.add, harm
            )
            found.append(result)
            label = f"{result['model']['name']} on {result['data']['split']}"
            if not (as_json and len(models) > 1):
                click.echo(results.text(result).rstrip() if as_json else lines(result))
            if other is not None:
                click.echo(comparison(measuring.against(result, other), other["model"]["name"]), err=as_json)
            if out is not None:
                results.write(result, out)
            if overlays is not None:
                click.echo(f"overlays: {overlays.close(label, result)}", err=True)
            if log is not None:
                measuring.log(measuring.log_line(result), log)
            elif split == "test":
                line = measuring.log_line(result)
                click.echo(f"test was looked at: say --log docs/log.md, or note there\n{line}", err=True)
        compared = reporting.compare(found)
        if len(models) > 1:
            text = (
                results.text(compared).rstrip() if as_json else "\n".join(reporting.headline_words(compared))
            )
            click.echo(text)
        if report is not None:
            segments = {c.about["name"]: c.segment for c in contenders}
            written = write_report(report, compared, segments, tars[0].parent, split, 0 if frames else worst)
            click.echo(f"report: {written}; it shows people: do not publish it", err=True)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def measure(
    contender: "Contender",
    tars: list[Path],
    split: str,
    frames: int | None,
    limit: int | None,
    watch: "Watch | None",
    harm: str | None = None,
) -> "Result":
    """The whole result file of one model; with `frames`, of sequences made from the stills, with `harm`, of
    stills that it befell."""
    from .. import evaluate as measuring
    from .. import results
    from ..bench.sequences import sequences
    from ..data.shards import read

    total = sum(pictures_in(tar) for tar in tars if tar.name.startswith(f"{split}-"))
    pictures, folder = min(total, limit or total), tars[0].parent
    name = contender.about["name"]
    of = f"{split}-motion" if frames else f"{split}-{harm}" if harm else split
    stills: Any = sequences(folder, split, frames) if frames else read(folder, split)
    if harm:
        from ..data.harm import harmed

        stills = harmed(stills, harm)
    with click.progressbar(
        islice(stills, pictures), length=pictures, label=f"{name} on {of}", file=sys.stderr
    ) as bar:
        if frames:
            measured = measuring.evaluate_motion(name, contender.segment, bar)
        else:
            protocol = measuring.PROTOCOLS.get(split, "mask")
            measured = measuring.evaluate(name, contender.segment, bar, protocol=protocol, watch=watch)
    result: Result = {
        "schema": "accuracy/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "model": contender.about,
        "data": {
            "split": of,
            "pictures": pictures,
            "whole": pictures == total,
            "shards": {tar.name: results.sha256(tar) for tar in tars},
        },
        "machine": {"device": "cpu", "cpu": results.cpu_name()} | contender.machine,
    } | measured
    results.check(result)
    return result


def check_harm(harm: str, split: str, frames: int | None, report: Path | None) -> None:
    """Raises `ValueError` where pictures of `split` cannot be harmed so, or not here."""
    from .. import evaluate as measuring

    try:
        from ..data.harm import NAMES
    except ImportError as error:
        raise ValueError('--harm needs torch: install "fastportrait[train]"') from error
    if harm not in NAMES:
        raise ValueError(f"--harm {harm}: known are {', '.join(NAMES)}")
    if frames or report:
        raise ValueError("--harm is for stills, and the report shows them as they are: leave one of them out")
    if measuring.PROTOCOLS.get(split) == "empty":
        raise ValueError(f"--harm needs pictures of people, and {split} holds none")


def write_report(
    path: Path, compared: "Result", segments: dict[str, "Segment"], data: Path, split: str, worst: int
) -> Path:
    """The page at `path` and its numbers as .json beside it."""
    from .. import results
    from ..data.shards import read
    from ..report import hard, page, sections

    found = compared["results"]
    keys = {key for group in hard(found, worst).values() for key in group} if worst else set()
    samples = {sample.key: sample for sample in read(data, split) if sample.key in keys} if keys else {}
    pictures = sections(samples, segments, found, worst) if keys else "<p>None asked for.</p>"
    title = f"{', '.join(segments)} on {found[0]['data']['split']}"
    results.write(compared, path.with_suffix(".json"))
    part = path.with_name(path.name + ".part")
    part.write_text(page(title, compared, pictures), encoding="utf-8")
    part.replace(path)
    return path


def shards_of(data: Path | None, split: str) -> list[Path]:
    """The shards of `split`. Raises `ValueError` saying what is missing and what there is."""
    from ..data.shards import shards

    if data is None:
        raise ValueError("no data: give --data FOLDER (of shards: val-000.tar, ...) or set FASTPORTRAIT_DATA")
    if not data.is_dir():
        raise ValueError(f"{data}: no such folder")
    there = sorted({tar.stem.rpartition("-")[0] for tar in data.glob("*-[0-9]*.tar")})
    if split not in there:
        raise ValueError(
            f"{data}: no split {split!r}, " + (f"only {', '.join(there)}" if there else "no shards at all")
        )
    return shards(data, split)


def pictures_in(tar: Path) -> int:
    with tarfile.open(tar) as file:
        return sum(name.endswith(".jpg") for name in file.getnames())


def lines(result: "Result") -> str:
    """The result for a reader in a terminal."""
    from ..metrics import LABELS, number

    text = [f"{result['model']['name']} on {result['data']['split']}, {result['data']['pictures']} pictures"]
    for name, score in result["scores"].items():
        low, high = number(name, score["low"]), number(name, score["high"])
        text.append(f"  {LABELS[name][0]:<34} {number(name, score['value']):>7}   {low} to {high}")
    seen: list[Any] = []
    for field, groups in result["groups"].items():
        members = [group | {"name": ""} for group in groups]
        if len(groups) > 1 and members not in seen:  # where each source is of one kind, once is enough
            seen.append(members)
            metrics = [name for name in ("iou", "boundary_iou", "false_mask", "mad") if name in groups[0]]
            text.append(f"by {field}, worst first ({', '.join(LABELS[name][0] for name in metrics)})")
            for group in groups:
                numbers = "".join(f"{number(name, group[name]):>8}" for name in metrics)
                text.append(f"  {group['name']:<28} {group['pictures']:>5}{numbers}")
    return "\n".join(text)


def comparison(differences: dict[str, tuple[float, float, float]], name: str) -> str:
    from ..metrics import LABELS, number

    text = [f"minus {name}, picture by picture"]
    for metric, (mean, low, high) in differences.items():
        shown = [f"{'+' if value > 0 else ''}{number(metric, value)}" for value in (mean, low, high)]
        text.append(f"  {LABELS[metric][0]:<34} {shown[0]:>7}   {shown[1]} to {shown[2]}")
    return "\n".join(text)
