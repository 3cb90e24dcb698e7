"""`fastportrait bench MODEL...`: how long networks take, side by side in one run."""

import json
from datetime import date
from pathlib import Path

import click


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=200, show_default=True)
@click.option(
    "--peers-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Files of peer:NAME. [FASTPORTRAIT_PEERS]",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JSON here.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    models: tuple[str, ...],
    threads: int,
    rounds: int,
    peers_folder: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Time MODELS (shipped names, files, or peer:NAME) side by side; ratios are to the first.

    On the machine at hand, in CPU time: no statement about a phone.
    """
    from .. import results
    from ..bench.models import PROTOCOL, bench

    try:
        rows = bench(list(models), threads=threads, rounds=rounds, peers=peers_folder)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    result = {
        "schema": "latency/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": threads},
        "protocol": PROTOCOL,
        "rounds": rounds,
        "models": rows,
    }
    if out:
        results.write(result, out)
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    for row in rows:
        click.echo(
            f"{row['name']:<24} {row['input']:>10} {row['cpu_ms']:9.2f} ms  "
            f"x {row['ratio']:<6.2f} {row['runtime']}"
        )
