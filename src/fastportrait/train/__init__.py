"""Training: one recipe in, one .safetensors out, by PyTorch Lightning; a board trains many networks in turn.

What a step sees follows from (seed, step) alone, and the moving average, the optimiser and the schedule lie
in the checkpoint: a run that was stopped goes on as if it had not been.
"""

from pathlib import Path

from ..recipe import Recipe
from .board import train_board
from .fit import Machine, Portraits, averaged, check, fit, load
from .module import hold_statistics

__all__ = ["Machine", "averaged", "hold_statistics", "train", "train_board"]


def train(
    recipe_file: Path,
    data: Path,
    out: Path,
    *,
    seed: int | None = None,
    limit_steps: int | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    precision: str = "auto",
    progress: bool = True,
) -> Path:
    """Trains what `recipe_file` says on the shards in `data`; returns the weights' file in `out`.

    It runs on `devices` of each of `nodes` machines. A run that was stopped goes on from `out`/last.ckpt.
    `seed` takes the place of the recipe's; with `limit_steps` its whole schedule has at most as many steps.
    Raises `ValueError` where recipe and data do not fit.
    """
    machine = Machine(accelerator, devices, nodes, precision, progress)
    recipe = Recipe.read(recipe_file).changed(seed, limit_steps)
    check(recipe, recipe_file, machine)

    def pictures() -> Portraits:
        if progress:
            print(f"loading {data}", flush=True)
        return load(data, recipe.sources)

    return fit(recipe, recipe_file, pictures, out, machine)[0]
