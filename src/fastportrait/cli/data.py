"""`fastportrait data`: bring pictures with masks into shards, check them, look at them, make some."""

import json
import sys
from pathlib import Path

import click

NAMES = (
    "eg1800", "aisegment", "pphumanseg14k", "easyportrait", "p3m10k", "ppm100",
    "coco_person", "supervisely", "videomatte240k", "folder",
)  # fmt: skip
DIR = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(name="data")
def command() -> None:
    """Bring in pictures with masks, check them, look at them, or make some."""


@command.command(name="import")
@click.argument("name", type=click.Choice(NAMES))
@click.option("--from", "folder", type=DIR, required=True, help="Folder of the unpacked download.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the shards."
)
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), multiple=True, help="Only this; repeatable. [all]"
)
@click.option("--limit", type=click.IntRange(min=1), help="At most N pictures (videos) of each split.")
@click.option(
    "--short-side",
    type=click.IntRange(min=32),
    default=288,
    show_default=True,
    help="Pixels; never enlarged.",
)
@click.option("--terms", help="folder only, and needed there: what the pictures may be used for.")
@click.option("--source", help="folder only: the name that its samples carry. [the folder's]")
@click.option(
    "--mask",
    type=click.Choice(["binary", "alpha", "polygon"]),
    help="folder only: how its masks were made. [binary]",
)
def import_(
    name: str,
    folder: Path,
    out: Path,
    split: tuple[str, ...],
    limit: int | None,
    short_side: int,
    terms: str | None,
    source: str | None,
    mask: str | None,
) -> None:
    """Turn the download of a public set, or a folder of your own, into shards.

    The shards go behind those that --out has. Nothing is downloaded; all is written, or nothing.
    """
    from ..data.bring import bring, chosen
    from ..data.sets import SETS
    from ..data.sets.folders import own

    about = SETS[name]
    try:
        if name == "folder":
            if not terms:
                raise ValueError("folder needs --terms TEXT: what your pictures may be used for")
            source = source or folder.resolve().name
            if not source.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"{source!r} as a source: use letters, digits, - and _ (--source NAME)")
            about = own(terms, mask or "binary")
        elif terms or source or mask:
            raise ValueError(f"--terms, --source and --mask are for `folder`; {name} has its own")
        click.echo(f"{about.title}\n{about.link}\nterms: {about.terms}\nsplit: {about.split}", err=True)
        items = about.find(folder)
        if about.expected not in (None, len(items)):
            click.echo(
                f"note: {len(items)} found; {about.source} says {about.expected}: not the whole set?",
                err=True,
            )
        else:
            click.echo(f"{len(items)} found", err=True)
        few = chosen(items, split or ("train", "val", "test"), limit)
        if not few:
            there = sorted({item.split for item in items})
            raise ValueError(f"{name} has no {' or '.join(split)}; it has {', '.join(there)}")
        with click.progressbar(few, label=name, file=sys.stderr) as bar:
            report = bring(iter(bar), source or name, about, out, short_side=short_side)
    except (ValueError, OSError, KeyError) as error:
        raise click.ClickException(str(error)) from error
    for left, why in list(report.left_out.items())[:20]:
        click.echo(f"left out: {left}: {why}", err=True)
    if len(report.left_out) > 20:
        click.echo(
            f"left out: {len(report.left_out)} in all; {source or name}.import.json has them", err=True
        )
    counts = ", ".join(f"{count} {part}" for part, count in sorted(report.written.items()))
    click.echo(f"{counts}: {', '.join(report.shards)} in {out}")


@command.command()
@click.argument("folder", type=DIR)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(folder: Path, as_json: bool) -> None:
    """Look for what spoils training: broken pairs, doubtful masks, leaks between splits.

    The exit code is 1 where there are errors; warnings are for you to judge.
    """
    from ..data.check import check as run
    from ..data.check import text

    try:
        found = run(folder, sys.stderr)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(found, indent=1) if as_json else text(found))
    if found["errors"]:
        raise SystemExit(1)


@command.command()
@click.argument("folder", type=DIR)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="sheet.png")
@click.option("--split", default="train", show_default=True)
@click.option("--source", help="Only this source. [all, in turn]")
@click.option("--count", type=click.IntRange(1, 400), default=24, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other pictures.")
def show(folder: Path, out: Path, split: str, source: str | None, count: int, seed: int) -> None:
    """Write a contact sheet: each picture, and beside it what its mask says.

    Such a sheet shows people: it belongs to nobody but you.
    """
    from ..data.show import sheet
    from ..media.images import write

    try:
        write(out, sheet(folder, split, count=count, seed=seed, source=source))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(out)


@command.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder to be made."
)
@click.option("--count", type=click.IntRange(min=4), default=64, show_default=True, help="Of train.")
@click.option("--side", type=click.IntRange(64, 1024), default=224, show_default=True, help="Pixels.")
@click.option("--seed", type=int, default=0, show_default=True)
def sample(out: Path, count: int, side: int, seed: int) -> None:
    """Draw a small data set of figures, free of rights: enough to see that training runs.

    Its source is called "figures". What is trained on it knows drawings, not people.
    """
    from ..data.made import write_sample

    try:
        counts = write_sample(out, count=count, side=side, seed=seed)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{', '.join(f'{n} {split}' for split, n in counts.items())} in {out}")
