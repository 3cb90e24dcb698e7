"""`fastportrait train RECIPE.toml`: the network that a recipe describes."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="FASTPORTRAIT_DATA",
    required=True,
    help="Folder of shards: train-*.tar, val-*.tar, background-*.tar. [env: FASTPORTRAIT_DATA]",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where the run goes. [runs/RECIPE]"
)
@click.option("--only", help="Of a board's networks these alone, in this order: NAME[,NAME].")
@click.option("--seed", type=click.IntRange(0), help="In place of the recipe's.")
@click.option("--limit-steps", type=click.IntRange(1), help="At most N steps, a whole schedule of its own.")
@click.option("--device", default="auto", help="cpu, gpu, mps; auto takes the best there is.")
@click.option(
    "--devices", type=click.IntRange(1), default=1, show_default=True, help="How many on each machine."
)
@click.option(
    "--nodes", type=click.IntRange(1), default=1, show_default=True, help="Machines; started by torchrun."
)
@click.option(
    "--precision",
    default="auto",
    help="bf16-mixed, 32-true or 16-mixed; auto: bf16-mixed where the device computes it, else 32-true.",
)
def command(
    recipe: Path,
    data: Path,
    out: Path | None,
    only: str | None,
    seed: int | None,
    limit_steps: int | None,
    device: str,
    devices: int,
    nodes: int,
    precision: str,
) -> None:
    """Train the network that RECIPE describes; or all of a board, a recipe that names several networks.

    The same command goes on where a stopped run was. TensorBoard reads the run's folder.
    """
    try:
        from ..train import Machine, train, train_board
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'fastportrait[train]'") from None
    from ..recipe import is_board

    # A shorter run, or one of another seed, must not be taken for the recipe's own.
    seeded = "" if seed is None else f"-seed{seed}"
    out = out or Path("runs") / (recipe.stem + seeded + (f"-{limit_steps}-steps" if limit_steps else ""))
    bar = sys.stderr.isatty()
    try:
        if is_board(recipe):
            names = [name.strip() for name in only.split(",")] if only else []
            machine = Machine(device, devices, nodes, precision, bar)
            for weights in train_board(
                recipe, data, out, machine, only=names, seed=seed, limit_steps=limit_steps, say=click.echo
            ):
                click.echo(weights)
            return
        if only:
            raise ValueError(f"--only is for a board; {recipe} trains one network")
        weights = train(
            recipe,
            data,
            out,
            seed=seed,
            limit_steps=limit_steps,
            accelerator=device,
            devices=devices,
            nodes=nodes,
            precision=precision,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(weights)
