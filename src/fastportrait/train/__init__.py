"""Training: one recipe in, one .safetensors out, by PyTorch Lightning.

What a step sees follows from (seed, step) alone, and the moving average, the optimiser and the schedule lie
in the checkpoint: a run that was stopped goes on as if it had not been.
"""

from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from torch import Tensor

from ..data.memory import load_portraits, load_scenes
from ..data.shards import read
from ..losses import LOSSES
from ..nets import ZOO
from ..nets.network import check_size
from ..nets.weights import About, save
from ..recipe import Recipe
from ..results import commit
from .batches import Data
from .loggers import open_logger
from .module import Training, hold_statistics
from .watch import Divergence, Speed

__all__ = ["averaged", "hold_statistics", "train"]


def _precision(accelerator: str) -> str:
    """bf16 where the device computes in it. A processor that does not is a hundred times slower with it."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # PyTorch has no public name for it
    return "bf16-mixed" if has_bf16 is not None and has_bf16() else "32-true"


def _helpers(recipe: Recipe) -> list[str]:
    """The outputs of the recipe's network that are not the mask, found on shapes alone."""
    with torch.device("meta"):
        outputs = ZOO[recipe.network].build().outputs(torch.empty(2, 3, *recipe.size))
    return [name for name in outputs if name != "mask"]


def averaged(keep: float, average: Tensor, current: Tensor, count: int | Tensor) -> Tensor:
    """The weights' moving average. A young one forgets faster, or a short run would keep its random start."""
    if not average.is_floating_point():
        return current  # counters, and masks of what is pruned
    share = min(keep, (1 + int(count)) / (10 + int(count)))
    return average.lerp(current, 1 - share)  # exactly the same where nothing moves


def train(
    recipe_file: Path,
    data: Path,
    out: Path,
    *,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    precision: str = "auto",
    progress: bool = True,
) -> Path:
    """Trains what `recipe_file` says on the shards in `data`; returns the weights' file in `out`.

    It runs on `devices` of each of `nodes` machines. A run that was stopped goes on from `out`/last.ckpt.
    Raises `ValueError` where recipe and data do not fit.
    """
    recipe = Recipe.read(recipe_file)
    if recipe.network not in ZOO:
        raise ValueError(f"{recipe_file}: the zoo has no network {recipe.network!r}, only {', '.join(ZOO)}")
    if recipe.batch % (devices * nodes):
        raise ValueError(
            f"{recipe_file}: a batch of {recipe.batch} cannot be shared out to {devices * nodes} devices"
        )
    code = commit()  # now: while it trains, somebody may go on working on the files
    torch.manual_seed(recipe.seed)
    training = Training(recipe, recipe_file.parent)
    for size in (recipe.size, recipe.score_size):
        check_size(training.net, size)
    known = [*LOSSES, "consistency", *_helpers(recipe)]
    unknown = recipe.losses.keys() - known - ({"distil"} if recipe.teacher else set())
    if unknown:
        raise ValueError(
            f"{recipe_file}: no loss {sorted(unknown)}, only {', '.join([*known, 'distil (with a teacher)'])}"
        )
    if progress:
        print(f"loading {data}", flush=True)
    portraits, scenes = load_portraits(data, recipe.sources), load_scenes(data)
    module = Data(recipe, portraits, scenes, [s for s in read(data, "val") if s.alpha is not None])

    last = out / "last.ckpt"
    speed = Speed(recipe.batch)
    trainer = pl.Trainer(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        # "unused": a helper head that the recipe does not weigh has no gradient.
        strategy="ddp_find_unused_parameters_true" if devices * nodes > 1 else "auto",
        use_distributed_sampler=False,  # `Data` shares out
        precision=_precision(accelerator) if precision == "auto" else precision,  # type: ignore[arg-type]
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
            *([TQDMProgressBar(refresh_rate=20)] if progress else []),
        ],
        enable_progress_bar=progress,
        enable_model_summary=False,
        log_every_n_steps=20,
    )
    trainer.fit(training, module, ckpt_path=last if last.exists() else None, weights_only=False)

    scores = {
        name: round(float(value), 3)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("val/")
    }
    about = About(
        network=recipe.network,
        size=recipe.score_size,
        recipe=recipe_file.name,
        commit=code,
        data=tuple(recipe.sources),
        terms=recipe.terms,
        scores={"val": {name.removeprefix("val/"): value for name, value in scores.items()}},
    )
    weights = out / f"{recipe.network}.safetensors"
    if trainer.is_global_zero:
        save(training.net.to(memory_format=torch.contiguous_format), about, weights)
        if progress and speed.said:
            print(speed.said, flush=True)
    return weights
