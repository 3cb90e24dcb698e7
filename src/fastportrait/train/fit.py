"""One recipe's network fitted to pictures that are in memory: weights, and a record of what it took."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from torch import Tensor

from .. import results
from ..data.memory import Pictures, load_portraits, load_scenes
from ..data.shards import Sample, read
from ..losses import LOSSES
from ..nets.network import check_size
from ..nets.weights import About, network_card, save
from ..recipe import Recipe
from .batches import Data
from .loggers import open_logger
from .module import Training, plan_of
from .record import record
from .watch import Divergence, Speed


@dataclass(frozen=True)
class Machine:
    """What a run uses."""

    accelerator: str = "auto"
    devices: int = 1
    """Of each machine."""
    nodes: int = 1
    """Machines."""
    precision: str = "auto"
    progress: bool = True
    """Whether it shows a bar."""


@dataclass(frozen=True)
class Portraits:
    """What runs learn from and are validated on; several may share it."""

    train: Pictures
    scenes: Pictures
    val: list[Sample]


def load(data: Path, sources: dict[str, float]) -> Portraits:
    """The shards of `data`. Raises `ValueError` where they and `sources` do not fit."""
    val = [sample for sample in read(data, "val") if sample.alpha is not None]
    return Portraits(load_portraits(data, sources), load_scenes(data), val)


def check(recipe: Recipe, recipe_file: Path, machine: Machine) -> None:
    """Raises `ValueError` where `recipe` cannot run, before anything is loaded."""
    try:
        card = network_card(recipe.network, plan_of(recipe, recipe_file.parent), recipe.score_size)
    except ValueError as error:
        raise ValueError(f"{recipe_file}: {error}") from None
    devices = machine.devices * machine.nodes
    if recipe.batch % devices:
        raise ValueError(
            f"{recipe_file}: a batch of {recipe.batch} cannot be shared out to {devices} devices"
        )
    if recipe.quantise_aware and not recipe.init:
        raise ValueError(
            f"{recipe_file}: quantise_aware goes on from weights that are trained without rounding: "
            'name them, init = "NAME.safetensors"'
        )
    if recipe.quantise_aware and machine.precision not in ("auto", "32-true", "32"):
        raise ValueError(
            f"{recipe_file}: quantise_aware needs --precision 32-true: sums in {machine.precision} are "
            "rounded about as coarsely as 8 bits are"
        )
    with torch.device("meta"):
        net = card.build()
        for size in (recipe.size, recipe.score_size):
            check_size(net, size)
        helpers = [name for name in net.outputs(torch.empty(2, 3, *recipe.size)) if name != "mask"]
    known = [*LOSSES, "consistency", *helpers]
    unknown = recipe.losses.keys() - known - ({"distil", "features"} if recipe.teacher else set())
    if unknown:
        raise ValueError(
            f"{recipe_file}: no loss {sorted(unknown)}, only {', '.join(known)}, "
            "and with a teacher distil, features"
        )


def fit(
    recipe: Recipe,
    recipe_file: Path,
    pictures: Callable[[], Portraits],
    out: Path,
    machine: Machine,
) -> tuple[Path, results.Result]:
    """Trains a checked recipe; the weights' file in `out`, and beside it, as .json, the record that is
    returned too.

    A run that was stopped goes on from `out`/last.ckpt. `pictures` is asked once the network is made, so that
    a recipe whose files are missing fails early.
    """
    code = results.commit()  # now: while it trains, somebody may go on working on the files
    torch.manual_seed(recipe.seed)
    training = Training(recipe, recipe_file.parent)
    seen = pictures()
    module = Data(recipe, seen.train, seen.scenes, seen.val)
    accelerator, devices = machine.accelerator, machine.devices
    precision = machine.precision
    if precision == "auto":
        precision = "32-true" if recipe.quantise_aware else best_precision(accelerator)

    last = out / "last.ckpt"
    speed = Speed(recipe.batch)
    trainer = pl.Trainer(
        accelerator=accelerator,
        devices=devices,
        num_nodes=machine.nodes,
        # "unused": a helper head that the recipe does not weigh has no gradient.
        strategy="ddp_find_unused_parameters_true" if devices * machine.nodes > 1 else "auto",
        use_distributed_sampler=False,  # `Data` shares out
        precision=precision,  # type: ignore[arg-type]
        max_steps=recipe.steps,
        gradient_clip_val=recipe.clip,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        default_root_dir=out,
        logger=open_logger(recipe.logger, out),
        callbacks=[
            Divergence(),
            speed,
            WeightAveraging(use_buffers=True, avg_fn=partial(averaged, recipe.ema)),
            ModelCheckpoint(out, filename="{step}", save_last=True, save_top_k=1),
            LearningRateMonitor("step"),
            *([TQDMProgressBar(refresh_rate=20)] if machine.progress else []),
        ],
        enable_progress_bar=machine.progress,
        enable_model_summary=False,
        log_every_n_steps=20,
    )
    begun = time.perf_counter()
    trainer.fit(training, module, ckpt_path=last if last.exists() else None, weights_only=False)
    seconds = time.perf_counter() - begun

    scores = {
        name.removeprefix("val/"): round(float(value), 3)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("val/")
    }
    about = About(
        network=recipe.network,
        size=recipe.score_size,
        recipe=recipe_file.name,
        commit=code,
        data=seen.train.sources,
        terms=recipe.terms,
        scores={"val": scores},
        quantise_aware=recipe.quantise_aware,
        plan=plan_of(recipe, recipe_file.parent),
    )
    weights = out / f"{recipe.network}.safetensors"
    made = record(recipe, about, len(seen.train.image), speed, seconds, str(training.device), precision)
    if trainer.is_global_zero:
        save(training.net.to(memory_format=torch.contiguous_format), about, weights)
        results.write(made, weights.with_suffix(".json"))
        if machine.progress and speed.said:
            print(speed.said, flush=True)
    return weights, made


def best_precision(accelerator: str) -> str:
    """bf16 where the device computes in it. A processor that does not is a hundred times slower with it."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # PyTorch has no public name for it
    return "bf16-mixed" if has_bf16 is not None and has_bf16() else "32-true"


def averaged(keep: float, average: Tensor, current: Tensor, count: int | Tensor) -> Tensor:
    """The weights' moving average. A young one forgets faster, or a short run would keep its random start."""
    if not average.is_floating_point():
        return current  # counters, and masks of what is pruned
    share = min(keep, (1 + int(count)) / (10 + int(count)))
    return average.lerp(current, 1 - share)  # exactly the same where nothing moves
