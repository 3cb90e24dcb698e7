"""A board: one recipe for many networks, trained in turn on the same pictures, which stay in memory.

A network whose weights are there is skipped, one that was stopped goes on, one that fails does not keep the
next from its turn.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ..recipe import Recipe
from ..results import Result
from .fit import Machine, Portraits, check, fit, load


def train_board(
    recipe_file: Path,
    data: Path,
    out: Path,
    machine: Machine,
    *,
    only: Sequence[str] = (),
    seed: int | None = None,
    limit_steps: int | None = None,
    say: Callable[[str], None] = print,
) -> list[Path]:
    """Trains the networks of the board `recipe_file` in its order, or `only` those in theirs; their weights,
    `out`/NAME/NAME.safetensors.

    `say` gets one line a network. Raises `ValueError` before anything is trained where the recipe cannot run,
    and at the end where a network could not be trained.
    """
    if machine.devices * machine.nodes > 1:
        raise ValueError(
            "a board trains on one device: start one command a device, with --only, and leave --devices out"
        )
    recipes = [recipe.changed(seed, limit_steps) for recipe in chosen(Recipe.read_board(recipe_file), only)]
    for recipe in recipes:
        check(recipe, recipe_file, machine)

    @cache
    def pictures() -> Portraits:
        say(f"loading {data}")
        return load(data, recipes[0].sources)

    made, failed = [], []
    for turn, recipe in enumerate(recipes, 1):
        name, folder = recipe.network, out / recipe.network
        weights = folder / f"{name}.safetensors"
        begin = f"[{turn}/{len(recipes)}] {name}:"
        if weights.is_file():
            say(f"{begin} {weights} is there, skipped")
        else:
            try:
                _, record = fit(recipe, recipe_file, pictures, folder, machine)
            except (ValueError, RuntimeError) as error:  # it diverged, or has no memory left
                say(f"{begin} failed: {error}")
                failed.append(name)
                continue
            say(f"{begin} {in_words(record)}")
        made.append(weights)
    if failed:
        raise ValueError(f"{len(failed)} of {len(recipes)} could not be trained: {', '.join(failed)}")
    return made


def chosen(recipes: list[Recipe], only: Sequence[str]) -> list[Recipe]:
    """Those of `only`, in its order, or all. `ValueError` on a name that the board does not have."""
    names = [recipe.network for recipe in recipes]
    for name in only:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names)}"
            raise ValueError(f"the board has no network {name!r}: {hint}")
    return [recipes[names.index(name)] for name in dict.fromkeys(only)] if only else recipes


def in_words(record: Result) -> str:
    """One line of a record."""
    scores = ", ".join(f"{name} {value:.1f}" for name, value in record["scores"].items())
    return (
        f"{record['steps']} steps, {record['seconds']:.0f} s, {record['images_per_second']:.1f} images/s "
        f"(the network alone: {record['network_images_per_second']:.1f}); val: {scores}"
    )
