"""`fastportrait export MODEL --to onnx,litert`: a trained network as files for runtimes."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("model")
@click.option(
    "--to",
    "targets",
    default="onnx",
    show_default=True,
    help="One or more of onnx, litert, executorch, coreml, ncnn, with commas between them.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16", "int8"]),
    default="fp32",
    show_default=True,
    help="fp16 stores the weights in half the size, int8 in a quarter; int8 needs --data.",
)
@click.option("--size", type=(int, int), help="Height and width, instead of what the weights were made for.")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the model, one for each.  [default: export/NAME]",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="FASTPORTRAIT_DATA",
    help="Folder of shards: the files are compared on pictures of val rather than on drawn ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written and how it compares as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    targets: str,
    precision: str,
    size: tuple[int, int] | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Write the network of MODEL as files for runtimes.

    MODEL is a .safetensors file or a network of the zoo with weights in this checkout. Each file is run in
    its own runtime and compared with PyTorch first; one that gives other masks is not written.
    """
    try:
        from ..export import digest, export, target
        from ..export.pictures import gather
        from ..nets.weights import read_about
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing: pip install 'fastportrait[export-onnx]'"
        ) from None
    from ..contenders import weights_of

    names = [name.strip() for name in targets.split(",") if name.strip()]
    report: dict[str, Any] = {"files": [], "failed": []}
    try:
        for name in names:
            target(name)
        weights = weights_of(model)
        folder = out or Path("export") / weights.stem
        shape = size or read_about(weights).size
        pictures = gather(shape, data, quantise=precision == "int8")
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for name in names:
        try:
            made = export(weights, folder, to=name, precision=precision, size=size, pictures=pictures)
        except ValueError as error:
            report["failed"].append({"target": name, "reason": str(error)})
            click.echo(f"Error: {name}: {error}" if len(names) > 1 else f"Error: {error}", err=True)
            continue
        how = getattr(target(name), "CHECKED", "")
        sha256, size_in_bytes = digest(made.path)
        row = {"target": name, "precision": precision, "file": str(made.path), "bytes": size_in_bytes}
        row |= {"sha256": sha256, "checked": how or "run in its own runtime"}
        if made.recipe:
            row["train_next"] = str(made.recipe)
        report["files"].append({**row, "parity": asdict(made.parity)})
        if not as_json:
            click.echo(f"{made.path}: {size_in_bytes / 1000:,.0f} kB")
            click.echo(
                f"as PyTorch to {made.parity.max_alpha:.1e} in alpha, IoU {made.parity.iou:.4f}, "
                f"displaced by {made.parity.shift:.3f} pixels, on {made.parity.source}"
                + (f" ({how})" if how else "")
            )
            if made.rungs:
                click.echo(f"int8 holds with {made.rungs[-1].name}")
            if made.recipe:
                click.echo(f"for all layers in 8 bits train it on: fastportrait train {made.recipe}")
    if as_json:
        click.echo(json.dumps(report, indent=2))
    if report["failed"]:
        ctx.exit(1)
