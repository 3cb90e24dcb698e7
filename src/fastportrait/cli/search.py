"""`fastportrait search SPACE.toml --out DIR`: many plans, trained shortly, and the best at each cost."""

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("space", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the search; the same folder goes on, also from several processes at once.",
)
@click.option("--trials", type=click.IntRange(0), default=20, show_default=True, help="How many to add.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="FASTPORTRAIT_DATA",
    required=True,
    help="Folder of shards. [env: FASTPORTRAIT_DATA]",
)
@click.option(
    "--cost",
    type=click.Choice(["macs", "table", "latency", "arm64"]),
    default="macs",
    show_default=True,
    help="Multiply-adds; time by a table; time in LiteRT beside MediaPipe's selfie model; instructions of an "
    "emulated phone processor.",
)
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For --cost table: results/candidates/family.json.",
)
@click.option(
    "--peers-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where MediaPipe's file lies; without it times are to our own small.  [env: FASTPORTRAIT_PEERS]",
)
@click.option(
    "--sampler",
    type=click.Choice(["nsga2", "tpe"]),
    default="nsga2",
    show_default=True,
    help="How the next plan is proposed.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--val", type=click.IntRange(1), help="Score on so many pictures of val.  [default: all]")
@click.option(
    "--judged",
    type=click.IntRange(0),
    default=128,
    show_default=True,
    help="Pictures of train that say which channels are inherited; 0: the norms do.",
)
@click.option("--device", default="auto", help="cpu, gpu, mps; auto takes the best there is.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    space: Path,
    out: Path,
    trials: int,
    data: Path,
    cost: str,
    table: Path | None,
    peers_folder: Path | None,
    sampler: str,
    seed: int,
    val: int | None,
    judged: int,
    device: str,
    as_json: bool,
) -> None:
    """Search the plans that SPACE allows for those that are best at each cost.

    Each inherits its weights, is trained by the space's recipe and scored on val. Ctrl-C stops; the same
    command goes on. The Pareto front is written to DIR/front.json and drawn in DIR/front.svg.
    """
    try:
        import optuna  # noqa: F401
        from tqdm import tqdm

        from ..search.study import Search, cost_of
        from ..search.trial import Trainer
        from ..train.fit import Machine
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'fastportrait[search]'") from None
    try:
        search = Search(space, out, cost_of(cost, table=table, peers=peers_folder), sampler, seed)
        before = len(search.done)
        if trials:
            trainer = Trainer(search.space, data, Machine(device, progress=False), judged=judged, val=val)
            with tqdm(total=trials, unit="trial", disable=not sys.stderr.isatty()) as bar:

                def step(line: str) -> None:
                    bar.update(len(search.done) - before - bar.n)
                    bar.write(line, file=sys.stderr)
                    if search.done:
                        search.write()

                try:
                    search.run(trainer, trials, step)
                except KeyboardInterrupt:
                    bar.write("stopped; the same command goes on", file=sys.stderr)
        result = search.write()
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    best = sorted((row for row in result["trials"] if row["front"]), key=lambda row: row["cost"])
    click.echo(f"{len(result['trials'])} plans; the best at each cost ({result['cost']}):")
    for row in best:
        click.echo(
            f"{row['cost']:10.4g}  {result['score']} {row['score']:6.2f}  {row['input']}  "
            f"{row['macs'] / 1e6:6.1f} M MACs  {row['folder']}"
        )
    click.echo(out / "front.json")
