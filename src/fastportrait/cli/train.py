"""`fastportrait train RECIPE.toml`: the network that a recipe describes."""

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
    recipe: Path, data: Path, out: Path | None, device: str, devices: int, nodes: int, precision: str
) -> None:
    """Train the network that RECIPE describes.

    The same command goes on where a stopped run was. TensorBoard reads the run's folder.
    """
    try:
        from ..train import train
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'fastportrait[train]'") from None
    try:
        weights = train(
            recipe,
            data,
            out or Path("runs") / recipe.stem,
            accelerator=device,
            devices=devices,
            nodes=nodes,
            precision=precision,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(weights)
