"""`fastportrait evaluate MODEL --data DIR`: how good is a model on pictures with masks?"""

import sys
import tarfile
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..evaluate import Segment
    from ..results import Result


@click.command(name="evaluate")
@click.argument("model")
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
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads of the runtime; its own choice (peers: 1) if not given.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N pictures.")
@click.option(
    "--peers",
    type=click.Path(path_type=Path),
    envvar="FASTPORTRAIT_PEERS",
    help="Weights of peer:NAME. [FASTPORTRAIT_PEERS]",
)
@click.option(
    "--peers-module",
    type=click.Path(path_type=Path),
    envvar="FASTPORTRAIT_PEERS_MODULE",
    help="Python file that runs peer:NAME. [FASTPORTRAIT_PEERS_MODULE]",
)
def command(
    model: str,
    data: Path | None,
    split: str,
    out: Path | None,
    page: Path | None,
    log: Path | None,
    against: Path | None,
    as_json: bool,
    threads: int | None,
    limit: int | None,
    peers: Path | None,
    peers_module: Path | None,
) -> None:
    """Measure MODEL on pictures with masks.

    MODEL is the name of a shipped model, a file, or peer:NAME for another system. Scores are means over
    pictures, each at its own size, with 95 % bootstrap intervals. The split "matte" is measured as exact soft
    alpha, "empty" and "background" as pictures without people, any other as masks.
    """
    from .. import evaluate as measuring
    from .. import results
    from ..data.shards import read
    from ..report import Page

    try:
        tars = shards_of(data, split)
        other = None if against is None else results.read(against)
        segment, about, machine = load(model, threads, peers, peers_module)
        total = sum(pictures_in(tar) for tar in tars)
        pictures = min(total, limit or total)
        overlays = None if page is None else Page(page)
        samples = islice(read(tars[0].parent, split), pictures)
        label = f"{about['name']} on {split}"
        with click.progressbar(samples, length=pictures, label=label, file=sys.stderr) as bar:
            measured = measuring.evaluate(
                about["name"],
                segment,
                bar,
                protocol=measuring.PROTOCOLS.get(split, "mask"),
                watch=None if overlays is None else overlays.add,
            )
        result: Result = {
            "schema": "accuracy/1",
            "date": date.today().isoformat(),
            "commit": results.commit(),
            "model": about,
            "data": {
                "split": split,
                "pictures": pictures,
                "whole": pictures == total,
                "shards": {tar.name: results.sha256(tar) for tar in tars},
            },
            "machine": {"device": "cpu", "cpu": results.cpu_name()} | machine,
        } | measured
        results.check(result)
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
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


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


def load(
    model: str, threads: int | None, peers: Path | None, peers_module: Path | None
) -> tuple["Segment", dict[str, Any], dict[str, Any]]:
    """What segments, and what a result says of it and of what runs it."""
    from ..results import sha256

    if model.startswith("peer:"):
        from ..peers import load as load_peer

        name = model.removeprefix("peer:")
        if peers is None or peers_module is None:
            raise ValueError(
                f"{model} needs --peers FOLDER (its weights) and --peers-module FILE (what runs them)"
            )
        peer = load_peer(name, peers_module, peers, threads or 1)
        about = {
            "name": name,
            "file": peer.file.name,
            "sha256": sha256(peer.file),
            "network": peer.network,
            "input": peer.input,
        }
        return peer.segment, about, {"threads": threads or 1, "runtime": peer.runtime}
    from ..segmenter import Segmenter
    from ..weights import find, list_models

    file = find(model)
    segmenter = Segmenter(model, threads=threads)
    engine = segmenter.engine
    about = {
        "name": model if any(card["name"] == model for card in list_models()) else file.stem,
        "file": file.name,
        "sha256": sha256(file),
        "network": str(engine.card.get("network", "not named in the file")),
        "input": f"{engine.size[0]}x{engine.size[1]}",
    }
    return segmenter, about, {"threads": threads or 0, "runtime": engine.name}


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
