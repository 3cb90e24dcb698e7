"""The record of a finished training run: what was trained, on how much, how fast."""

from datetime import date

import torch

from ..nets.card import measure
from ..nets.weights import About, network_card
from ..recipe import Recipe
from ..results import Result, cpu_name
from .watch import Speed


def record(
    recipe: Recipe, about: About, pictures: int, speed: Speed, seconds: float, device: str, precision: str
) -> Result:
    """A result of the schema "trained/1". `seconds` and speeds are those of the last start of the run."""
    card = network_card(about.network, about.plan, about.size)
    cost = measure(card.phone or card.build, recipe.score_size)
    on_gpu = device.startswith("cuda")
    return {
        "schema": "trained/1",
        "date": date.today().isoformat(),
        "commit": about.commit,
        "recipe": about.recipe,
        "network": recipe.network,
        "input": f"{recipe.score_size[0]}x{recipe.score_size[1]}",
        "params": cost.params,
        "macs": cost.macs,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "batch": recipe.batch,
        "pictures": pictures,
        "epochs": round(recipe.steps * recipe.batch / pictures, 4),
        "machine": {
            "device": torch.cuda.get_device_name(device) if on_gpu else device,
            "cpu": cpu_name(),
            "threads": torch.get_num_threads(),
        },
        "precision": precision,
        "seconds": round(seconds, 1),
        "images_per_second": round(speed.rate, 2),
        "network_images_per_second": round(speed.alone, 2),
        "scores": about.scores["val"],
    }
