"""`fastportrait prune WEIGHTS --cost 0.5`: a narrower network with the weights that count."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--cost",
    "share",
    type=click.FloatRange(0, 1, min_open=True),
    help="How much of its cost may be left, as a share: 0.5.",
)
@click.option(
    "--plan",
    "recipe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rather than a cost: the recipe whose [plan] it is to fit. What it cannot take starts fresh.",
)
@click.option(
    "--by",
    "table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Count measured time by this table (results/candidates/family.json) rather than multiply-adds.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="FASTPORTRAIT_DATA",
    help="Folder of shards: channels are judged by its train pictures, rather than by their norms alone. "
    "[env: FASTPORTRAIT_DATA]",
)
@click.option(
    "--pictures", type=click.IntRange(8), default=256, show_default=True, help="Of train, to judge by."
)
@click.option("--size", type=(int, int), help="Height and width it will run at.  [default: that of WEIGHTS]")
@click.option(
    "--streams", is_flag=True, help="Narrow also what blocks hand on, not only what is inside them."
)
@click.option(
    "--plain-colours", is_flag=True, help="Let the first convolution normalise colours: one pass less."
)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def command(
    weights: Path,
    share: float | None,
    recipe: Path | None,
    table: Path | None,
    data: Path | None,
    pictures: int,
    size: tuple[int, int] | None,
    streams: bool,
    plain_colours: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Drop channels of WEIGHTS, a top-down network such as small: those worth least for what they cost.

    What stays is copied; train it on by a recipe with network = "topdown" and init = the file written here.
    """
    if (share is None) == (recipe is None):
        raise click.UsageError("say how narrow: either --cost SHARE or --plan RECIPE.toml")
    if recipe and (table or streams or plain_colours):
        raise click.UsageError("--by, --streams and --plain-colours choose a plan, and --plan gives one")
    try:
        from ..nets.plan import macs
        from ..search import table as times
        from ..search.prune import pruned
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'fastportrait[train]'") from None
    try:
        if recipe:
            click.echo(_fit(weights, recipe, data, pictures, size, out, as_json))
            return
        assert share is not None
        cost = times.read(table) if table else macs
        before, after, left = pruned(
            weights,
            out,
            cost,
            share,
            data=data,
            count=pictures,
            size=size,
            streams=streams,
            plain_colours=plain_colours,
        )
        at = size or _size(out)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    report = {
        "file": str(out),
        "judged_by": "pictures" if data else "norms",
        "counted": "time" if table else "macs",
        "left": round(left, 4),
        "macs": [macs(before, at), macs(after, at)],
        "plan": after.write(),
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    counted = "time" if table else "multiply-adds"
    click.echo(f"{out}: {left:.3f} of the {counted}, its channels judged by {report['judged_by']}")
    click.echo(f"M MACs: {macs(before, at) / 1e6:.1f} -> {macs(after, at) / 1e6:.1f} at {at[0]} x {at[1]}")
    click.echo(json.dumps(after.write()))


def _fit(
    weights: Path,
    recipe: Path,
    data: Path | None,
    pictures: int,
    size: tuple[int, int] | None,
    out: Path,
    as_json: bool,
) -> str:
    """Fits WEIGHTS to the plan of `recipe` and says what came of it. Raises `ValueError` as `fitted` does."""
    from ..nets.plan import Plan, macs
    from ..recipe import Recipe
    from ..search.prune import fitted

    wanted = Recipe.read(recipe)
    if not wanted.plan:
        raise ValueError(f"{recipe} has no [plan]")
    at, plan = size or wanted.score_size, Plan.read(wanted.plan)
    before, fresh = fitted(weights, out, plan, at, data=data, count=pictures)
    judged = "pictures" if data else "norms"
    if not as_json:
        return f"{out}: channels judged by {judged}; fresh: {', '.join(fresh) or 'nothing'}"
    report = {"file": str(out), "judged_by": judged, "fresh": fresh, "plan": plan.write()}
    return json.dumps(report | {"macs": [macs(before, at), macs(plan, at)]}, indent=2)


def _size(weights: Path) -> tuple[int, int]:
    from ..nets.weights import read_about

    return read_about(weights).size
