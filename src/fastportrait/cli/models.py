"""`fastportrait models [NAME]`: the zoo, what of it is trained and shipped, and what a network is made of."""

import json
from difflib import get_close_matches
from typing import Any

import click

CODE_LICENCE = "Apache-2.0"
HEADS = ("name", "paper", "year", "input", "parameters", "MACs", "file", "weights", "val: IoU, boundary")


@click.command()
@click.argument("name", required=False)
@click.option("--depth", default=2, show_default=True, help="With NAME: how deep to go into its parts.")
@click.option("--shipped", is_flag=True, help="Only the models that this package holds, with their cards.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, depth: int, shipped: bool, as_json: bool) -> None:
    """List the networks of the zoo; or, with NAME, the layers of one."""
    from ..weights import list_models, list_networks

    if name is not None:
        _one(name, depth, list_networks(), as_json)
        return
    models = list_models()
    networks = models if shipped else list_networks()
    if as_json:
        click.echo(json.dumps(networks, indent=2))
        return
    if shipped:
        rows = [("name", "network", "input", "size", "scores"), *map(_model, models)]
    else:
        rows = [HEADS, *map(_network, networks)]
    _print(rows)
    if not models:
        click.echo("\nThis build ships no models; give a file with --model.")
        return
    click.echo(f"\nThe code is under {CODE_LICENCE}. The shipped weights have terms of their own:")
    for model in models:
        click.echo(f"  {model['name']}: {model.get('terms') or 'not stated'}")


def _one(name: str, depth: int, networks: list[dict[str, Any]], as_json: bool) -> None:
    known = [network["name"] for network in networks]
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`fastportrait models` lists them"
        raise click.ClickException(f"no network {name!r}: {hint}")
    try:
        from ..nets import ZOO
        from ..nets.layers import layers, table
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing, which the layers are counted with: pip install 'fastportrait[nets]'"
        ) from None
    card = ZOO[name]
    found = layers(card.phone or card.build, card.size)
    if as_json:
        fields = ("name", "kind", "depth", "shape", "params", "macs")
        click.echo(json.dumps([{f: getattr(layer, f) for f in fields} for layer in found], indent=2))
        return
    network = networks[known.index(name)]
    year = f", {network['year']}" if network["year"] else ""
    click.echo(f"{name}: {network['paper']}{year}; input {_size(network)}\n")
    _print([("layer", "what", "output", "parameters", "MACs"), *table(found, depth)])


def _print(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _network(network: dict[str, Any]) -> tuple[str, ...]:
    val = network["scores"].get("val", {})
    shipped = network["shipped"]
    return (
        network["name"],
        _short(network["paper"]),
        str(network["year"] or ""),
        _size(network),
        f"{network['params']:,}",
        f"{network['macs'] / 1e6:,.0f} M",
        network["file"],
        f"shipped as {shipped}" if shipped else network["weights"] or "not trained yet",
        f"{val['iou']:.1f}, {val['boundary_iou']:.1f}" if val else "",
    )


def _short(title: str, most: int = 44) -> str:
    return title if len(title) <= most else title[: most - 3].rstrip(" :,") + "..."


def _size(network: dict[str, Any]) -> str:
    height, width = network["size"]
    return f"{height} x {width}"


def _model(model: dict[str, Any]) -> tuple[str, ...]:
    network = str(model.get("network", ""))
    return model["name"], network, _size(model), f"{model['bytes'] / 1000:.0f} kB", _scores(model)


def _scores(model: dict[str, Any]) -> str:
    """{"val": {"iou": 95.1}} as "val iou 95.1"."""
    splits = model.get("scores") or {}
    return "; ".join(
        f"{split} " + ", ".join(f"{name} {value:g}" for name, value in scores.items())
        for split, scores in splits.items()
        if isinstance(scores, dict)
    )
