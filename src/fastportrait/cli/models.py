"""`fastportrait models`: the shipped models, with what they may be used for."""

import json
from typing import Any

import click

CODE_LICENCE = "Apache-2.0"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the cards as JSON.")
def command(as_json: bool) -> None:
    """List the models that are shipped with this package."""
    from ..weights import list_models

    models = list_models()
    if as_json:
        click.echo(json.dumps(models, indent=2))
        return
    if not models:
        click.echo("This build ships no models; give a file with --model.")
        return
    rows = [("name", "network", "input", "size", "scores"), *map(_row, models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(f"\nThe code is under {CODE_LICENCE}. The weights have terms of their own:")
    for model in models:
        click.echo(f"  {model['name']}: {model.get('terms') or 'not stated'}")


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    height, width = model["size"]
    network = str(model.get("network", ""))
    return model["name"], network, f"{height} x {width}", f"{model['bytes'] / 1000:.0f} kB", _scores(model)


def _scores(model: dict[str, Any]) -> str:
    """{"val": {"iou": 95.1}} as "val iou 95.1"."""
    splits = model.get("scores") or {}
    return "; ".join(
        f"{split} " + ", ".join(f"{name} {value:g}" for name, value in scores.items())
        for split, scores in splits.items()
        if isinstance(scores, dict)
    )
