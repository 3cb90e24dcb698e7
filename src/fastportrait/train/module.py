"""The loss of one step, and the scores on val, as PyTorch Lightning's module."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ..data.augment import Batch
from ..data.previous import previous
from ..losses import LOSSES, affinity, consistency, distil, each, helper, policy
from ..metrics.score import score
from ..nets.topdown import TopDownVideo
from ..nets.weights import PLANNED, network_card, read_about, start_from
from ..recipe import Recipe
from ..transform import SQUASH, from_network, resize, to_network
from .batches import generator, part_of, relit, seed_of
from .depthwise import quicken
from .fake_quantise import FOLLOWED, fake_quantise, hold_norms
from .features import Look, coarsest
from .loggers import PICTURES, row, show
from .optimise import optimiser, share
from .teacher import open_teacher

NORMS = nn.modules.batchnorm._BatchNorm


class Training(pl.LightningModule):
    def __init__(self, recipe: Recipe, folder: Path) -> None:
        """`folder` holds the files that the recipe names."""
        super().__init__()
        self.recipe = recipe
        net = network_card(recipe.network, plan_of(recipe, folder), recipe.score_size).build()
        self.layout = layout(net)
        self.net = net.to(memory_format=self.layout)  # type: ignore[call-overload]
        quicken(self.net)
        self.started = (
            set(start_from(self.net, recipe.network, folder / recipe.init)) if recipe.init else set()
        )
        if recipe.trunk_lr == 0:
            for name, p in self.net.named_parameters():
                p.requires_grad_(name not in self.started)
        if recipe.freeze_norms:
            for module in self.net.modules():
                if isinstance(module, NORMS):
                    module.requires_grad_(False)
        self.rounding = fake_quantise(self.net, recipe.size) if recipe.quantise_aware else None
        # In a tuple, so that its weights are neither trained nor saved with this network's.
        self.teacher = (open_teacher(folder / recipe.teacher),) if recipe.teacher else ()
        self.looks: tuple[Look, ...] = ()
        if "features" in recipe.losses:
            own = getattr(self.teacher[0], "net", None) if self.teacher else None
            if own is None:
                raise ValueError("the loss `features` needs a teacher of the zoo: a .safetensors file")
            self.looks = tuple(Look(net, coarsest(net, recipe.size)) for net in (self.net, own))
        self.samples: list[np.ndarray] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """`batch` is this process's part; the losses see all, for what they divide by is the batch's."""
        step, weights = self.global_step, self.recipe.losses
        # Dropped channels and drawn decisions follow from the step too; each process has its own.
        torch.manual_seed(seed_of(self.recipe, step, 2 + self.global_rank))
        image = batch.image.contiguous(memory_format=self.layout)
        batch = Batch(*(self.whole(value) for value in batch))
        self.net.advance(step / self.recipe.steps)
        if self.recipe.trunk_lr == 0:
            hold_statistics(self.net, self.started)
        if self.recipe.freeze_norms or self.rounding is not None:
            hold_norms(self.net)
        outputs = {name: self.whole(value.float()) for name, value in self.seen(image, batch.alpha).items()}
        features = [self.whole(self.looks[0].take().float())] if self.looks else []
        logit = outputs.pop("mask")
        other = taught = None
        if "consistency" in weights:
            part = part_of(len(batch.image), self.global_rank, self.trainer.world_size)
            changed = relit(batch.image, generator(self.recipe, step, stream=1))[part]
            changed = changed.contiguous(memory_format=self.layout)
            seen = self.rounded(lambda: self.net.outputs(changed))
            other = self.whole(seen["mask"].float())
            for look in self.looks:
                look.seen = None  # of the other light
        if self.teacher:
            taught = self.whole(self.teacher[0](image).float())
        if self.looks:
            features.append(self.whole(self.looks[1].take().float()))
        with torch.autocast(self.device.type, enabled=False):
            judged = (logit, batch.alpha, batch.weight, batch.image)
            parts = {name: LOSSES[name](*judged) for name in weights if name in LOSSES}
            decisions = outputs.pop("policy", None)
            if decisions is not None and "policy" in weights:
                parts["policy"] = policy(decisions, each(weights, *judged))
            parts |= {
                name: helper(name, value, batch.alpha, batch.weight)
                for name, value in outputs.items()
                if name in weights
            }
            if other is not None:
                parts["consistency"] = consistency(other, logit, batch.trust.expand_as(logit))
            if features:
                parts["features"] = affinity(features[0], features[1], batch.trust)
            if taught is not None and "distil" in weights:
                parts["distil"] = distil(logit, taught, batch.trust)
        loss = torch.stack([weights[name] * value for name, value in parts.items()]).sum()
        self.log_dict({f"loss/{name}": value for name, value in parts.items()})
        self.log("loss", loss, prog_bar=True)
        return loss

    def seen(self, image: Tensor, alpha: Tensor) -> dict[str, Tensor]:
        """The network's outputs; one that takes the last mask is given one with mistakes in it."""
        net = self.net
        if not isinstance(net, TopDownVideo):
            return self.rounded(lambda: net.outputs(image))
        part = part_of(len(alpha), self.global_rank, self.trainer.world_size)
        before = previous(alpha, generator(self.recipe, self.global_step, 63))[part]
        return self.rounded(lambda: net.outputs_after(image, before))

    def rounded(self, run: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """What `run` gives, computed with the rounding of an int8 file where the recipe is for one."""
        if self.rounding is None:
            return run()
        return self.rounding(run, follow=self.global_step < FOLLOWED * self.recipe.steps)

    def whole(self, value: Tensor) -> Tensor:
        """Every process's `value` (N, ...), one behind the other; of scalars their mean. Its gradient goes to
        all of them, so that the mean over processes, which is taken of gradients, is the whole batch's."""
        if self.trainer.world_size == 1:
            return value
        every = self.all_gather(value, sync_grads=value.requires_grad)
        assert isinstance(every, Tensor)
        return every.flatten(0, 1) if value.ndim else every.mean()

    def validation_step(self, index: int) -> None:
        sample = self.trainer.datamodule.val[index]  # type: ignore[attr-defined]
        image, where = to_network(sample.image, self.recipe.score_size, SQUASH)
        logit = self.net(torch.from_numpy(image).to(self.device)).float()
        mask = from_network(logit.sigmoid().cpu().numpy(), where)
        assert sample.alpha is not None
        if len(self.samples) < PICTURES:
            self.samples.append(row(sample.image, sample.alpha, mask, self.recipe.score_size))
        scores = score(resize(mask, sample.alpha.shape), sample.alpha)
        wanted = {f"val/{name}": 100 * scores[name] for name in ("iou", "boundary_iou", "mad")}
        self.log_dict(wanted, batch_size=1, on_epoch=True, on_step=False, prog_bar=True, sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        if self.trainer.is_global_zero and self.samples:
            show(self.logger, np.concatenate(self.samples), self.global_step)
        self.samples = []

    def configure_optimizers(self) -> Any:
        made = optimiser(self.net, self.started, self.recipe)
        schedule = torch.optim.lr_scheduler.LambdaLR(made, lambda step: share(self.recipe, step))
        return {"optimizer": made, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def layout(net: nn.Module) -> torch.memory_format:
    """Channels last, which trains faster, but for networks that would never end a step of it.

    On processors with bf16, oneDNN (in PyTorch 2.13) does not return from a depthwise filter one pixel high
    and 15 long of 8 or 16 channels in that layout.
    """
    long = any(
        isinstance(m, nn.Conv2d) and m.groups > 1 and m.kernel_size[0] == 1 and m.kernel_size[1] > 11
        for m in net.modules()
    )
    return torch.contiguous_format if long else torch.channels_last


def plan_of(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """The plan of a recipe's network: its own, else that of the weights in `folder` that it starts from;
    empty for a line of the zoo. Raises `ValueError` where those have none."""
    if recipe.plan or recipe.network != PLANNED or not recipe.init:
        return recipe.plan
    about = read_about(folder / recipe.init)
    if not about.plan:
        raise ValueError(f"{recipe.init} holds {about.network}, which has no plan: write one in the recipe")
    return about.plan


def hold_statistics(net: nn.Module, frozen: set[str]) -> None:
    """Puts those batch norms of `net` whose statistics are among `frozen` in evaluation mode."""
    for name, module in net.named_modules():
        if f"{name}.running_mean" in frozen:
            module.eval()
