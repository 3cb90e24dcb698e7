"""Training: one recipe in, one .safetensors out, by PyTorch Lightning.

What a step sees follows from (seed, step) alone, and the moving average, the optimiser and the schedule lie
in the checkpoint: a run that was stopped goes on as if it had not been.
"""

from collections.abc import Iterator
from functools import partial
from math import cos, pi
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from .data.augment import Batch, batch
from .data.memory import Pictures, load_portraits, load_scenes
from .data.shards import Sample, read
from .losses import LOSSES, distil, each, helper, policy
from .metrics.score import score
from .nets import ZOO
from .nets.network import check_size
from .nets.weights import About, load, save, start_from
from .recipe import Recipe
from .results import commit
from .transform import SQUASH, from_network, resize, to_network


class Steps(IterableDataset[Batch]):
    """The batches of steps `first` to `last`, made on the device that trains."""

    def __init__(
        self, portraits: Pictures, scenes: Pictures, recipe: Recipe, first: int, last: int, rank: int = 0
    ) -> None:
        self.portraits, self.scenes, self.recipe = portraits, scenes, recipe
        self.first, self.last, self.rank = first, last, rank

    def __iter__(self) -> Iterator[Batch]:
        recipe = self.recipe
        for step in range(self.first, self.last):
            generator = torch.Generator().manual_seed((recipe.seed * 1_000_003 + step) * 64 + self.rank)
            yield batch(self.portraits, self.scenes, recipe, generator)

    def __len__(self) -> int:
        return self.last - self.first


class Data(pl.LightningDataModule):
    """Training pictures in memory on the training device; validation pictures as they are."""

    def __init__(self, recipe: Recipe, portraits: Pictures, scenes: Pictures, val: list[Sample]) -> None:
        super().__init__()
        self.recipe, self.portraits, self.scenes, self.val = recipe, portraits, scenes, val

    def train_dataloader(self) -> DataLoader[Batch]:
        trainer = self.trainer
        assert trainer is not None
        device = trainer.strategy.root_device
        self.portraits, self.scenes = self.portraits.to(device), self.scenes.to(device)
        first = trainer.global_step
        last = min(self.recipe.steps, first + self.recipe.validate_every)
        steps = Steps(self.portraits, self.scenes, self.recipe, first, last, trainer.global_rank)
        return DataLoader(steps, batch_size=None)

    def val_dataloader(self) -> DataLoader[int]:
        return DataLoader(range(len(self.val)), batch_size=None)  # type: ignore[arg-type]


class Training(pl.LightningModule):
    """The loss of one step, and the scores on val."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        """`folder` holds the files that the recipe names."""
        super().__init__()
        self.recipe = recipe
        self.net = ZOO[recipe.network].build().to(memory_format=torch.channels_last)
        self.started = (
            set(start_from(self.net, recipe.network, folder / recipe.init)) if recipe.init else set()
        )
        if recipe.trunk_lr == 0:
            for name, p in self.net.named_parameters():
                p.requires_grad_(name not in self.started)
        # In a tuple, so that its weights are neither trained nor saved with this network's.
        self.teacher = (load(folder / recipe.teacher)[0].deploy(),) if recipe.teacher else ()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        image = batch.image.contiguous(memory_format=torch.channels_last)
        self.net.advance(self.global_step / self.recipe.steps)
        if self.recipe.trunk_lr == 0:
            hold_statistics(self.net, self.started)
        outputs = {name: value.float() for name, value in self.net.outputs(image).items()}
        logit = outputs.pop("mask")
        with torch.autocast(self.device.type, enabled=False):
            parts = {
                name: LOSSES[name](logit, batch.alpha, batch.weight, batch.image)
                for name in self.recipe.losses
                if name in LOSSES
            }
            decisions = outputs.pop("policy", None)
            if decisions is not None and "policy" in self.recipe.losses:
                task = each(self.recipe.losses, logit, batch.alpha, batch.weight, batch.image)
                parts["policy"] = policy(decisions, task)
            parts |= {
                name: helper(name, value, batch.alpha, batch.weight)
                for name, value in outputs.items()
                if name in self.recipe.losses
            }
        if self.teacher:
            with torch.no_grad():
                taught = self.teacher[0].to(self.device)(image).float()
            parts["distil"] = distil(logit, taught, batch.trust)
        loss = torch.stack([self.recipe.losses[name] * value for name, value in parts.items()]).sum()
        if not torch.isfinite(loss):
            raise ValueError(f"the loss is {loss.item()} at step {self.global_step}: lower lr or clip")
        self.log_dict({f"loss/{name}": value for name, value in parts.items()})
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, index: int) -> None:
        sample = self.trainer.datamodule.val[index]  # type: ignore[attr-defined]
        image, where = to_network(sample.image, self.recipe.score_size, SQUASH)
        logit = self.net(torch.from_numpy(image).to(self.device)).float()
        mask = from_network(logit.sigmoid().cpu().numpy(), where)
        assert sample.alpha is not None
        scores = score(resize(mask, sample.alpha.shape), sample.alpha)
        wanted = {f"val/{name}": 100 * scores[name] for name in ("iou", "boundary_iou", "mad")}
        self.log_dict(wanted, batch_size=1, on_epoch=True, on_step=False, prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        groups = []
        for started in (True, False):
            for decays in (True, False):
                parameters = [
                    p
                    for name, p in self.net.named_parameters()
                    if (name in self.started) == started and (p.ndim > 1) == decays
                ]
                if parameters:
                    groups.append(
                        {
                            "params": parameters,
                            "lr": recipe.lr * (recipe.trunk_lr if started else 1.0),
                            "weight_decay": recipe.weight_decay if decays else 0.0,
                        }
                    )
        optimiser = torch.optim.AdamW(groups)

        def share(step: int) -> float:
            if step < recipe.warmup:
                return (step + 1) / recipe.warmup
            done = min(1.0, (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup))
            return 0.01 + 0.99 * 0.5 * (1 + cos(pi * done))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


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


def hold_statistics(net: nn.Module, frozen: set[str]) -> None:
    """Puts those batch norms of `net` whose statistics are among `frozen` in evaluation mode."""
    for name, module in net.named_modules():
        if f"{name}.running_mean" in frozen:
            module.eval()


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
    precision: str = "auto",
    progress: bool = True,
) -> Path:
    """Trains what `recipe_file` says on the shards in `data`; returns the weights' file in `out`.

    A run that was stopped goes on from `out`/last.ckpt. Raises `ValueError` where recipe and data do not fit.
    """
    recipe = Recipe.read(recipe_file)
    if recipe.network not in ZOO:
        raise ValueError(f"{recipe_file}: the zoo has no network {recipe.network!r}, only {', '.join(ZOO)}")
    code = commit()  # now: while it trains, somebody may go on working on the files
    torch.manual_seed(recipe.seed)
    training = Training(recipe, recipe_file.parent)
    for size in (recipe.size, recipe.score_size):
        check_size(training.net, size)
    known = [*LOSSES, *_helpers(recipe)]
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
    trainer = pl.Trainer(
        accelerator=accelerator,
        precision=_precision(accelerator) if precision == "auto" else precision,  # type: ignore[arg-type]
        max_steps=recipe.steps,
        gradient_clip_val=recipe.clip,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        default_root_dir=out,
        logger=TensorBoardLogger(out, name="", version="log"),
        callbacks=[
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
    return weights
