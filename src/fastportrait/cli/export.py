"""`fastportrait export WEIGHTS --to onnx`: a trained network as a file for a runtime."""

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "target", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16"]),
    default="fp32",
    show_default=True,
    help="fp16 stores the weights in half the size; the arithmetic stays float32.",
)
@click.option("--size", type=(int, int), help="Height and width, instead of what the weights were made for.")
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("export"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written and how it compares as JSON.")
def command(
    weights: Path, target: str, precision: str, size: tuple[int, int] | None, out: Path, as_json: bool
) -> None:
    """Write the network of WEIGHTS (.safetensors) as a file for a runtime.

    The file is run and compared with PyTorch first; one that gives other masks is not written.
    """
    try:
        from ..export import export
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing: pip install 'fastportrait[export-onnx]'"
        ) from None
    try:
        path, parity = export(weights, out, precision=precision, size=size)
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing: pip install 'fastportrait[export-onnx]'"
        ) from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(
            json.dumps({"file": str(path), "bytes": path.stat().st_size, "parity": asdict(parity)}, indent=2)
        )
    else:
        click.echo(f"{path}: {path.stat().st_size / 1000:,.0f} kB")
        click.echo(
            f"as PyTorch to {parity.max_alpha:.1e} in alpha, IoU {parity.iou:.4f}, "
            f"on {parity.pictures} made pictures"
        )
