"""What each step of a training run sees: a function of (seed, step), on however many devices it is made.

`Recipe.batch` counts the pictures of a step over all devices, so that a recipe gives the same network on one
and on many. What is random is drawn for the whole batch on every device, which then makes its own part alone.
"""

from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ..data.augment import Batch, batch
from ..data.memory import Pictures
from ..data.shards import Sample
from ..recipe import Recipe


def generator(recipe: Recipe, step: int, stream: int = 0) -> torch.Generator:
    """The random numbers of a step; `stream` below 64 keeps those for different ends apart."""
    return torch.Generator().manual_seed(seed_of(recipe, step, stream))


def seed_of(recipe: Recipe, step: int, stream: int) -> int:
    return (recipe.seed * 1_000_003 + step) * 64 + stream


def part_of(count: int, rank: int, ranks: int) -> slice:
    """Which of a batch's `count` pictures the process `rank` of `ranks` runs the network on."""
    share = count // ranks
    return slice(rank * share, (rank + 1) * share)


def relit(image: Tensor, generator: torch.Generator) -> Tensor:
    """The same pictures in another light, by another camera: (N, 3, H, W) RGB in [0, 1], as it comes.

    Exposure, colour temperature, contrast and noise change and nothing moves, so the masks are the same
    (PortraitNet's texture enhancement, sec. 3.3).
    """

    def by(low: float, high: float, channels: int = 1) -> Tensor:
        drawn = torch.rand(len(image), channels, 1, 1, generator=generator)
        return (drawn * (high - low) + low).to(image.device)

    middle = image.mean((1, 2, 3), keepdim=True)
    image = middle + (image - middle) * by(-0.3, 0.3).exp()
    image = image * (by(-0.4, 0.4).exp() * by(-0.15, 0.15, 3).exp())
    noise = torch.randn(image.shape, generator=generator).to(image.device)
    return (image + noise * by(0.0, 0.04)).clamp(0, 1)


class Steps(IterableDataset[Batch]):
    """`part` of the batches of steps `first` to `last`, made on the device that trains."""

    def __init__(
        self, portraits: Pictures, scenes: Pictures, recipe: Recipe, first: int, last: int, part: slice
    ) -> None:
        self.portraits, self.scenes, self.recipe = portraits, scenes, recipe
        self.first, self.last, self.part = first, last, part

    def __iter__(self) -> Iterator[Batch]:
        for step in range(self.first, self.last):
            drawn = generator(self.recipe, step)
            yield batch(self.portraits, self.scenes, self.recipe, drawn, rows=self.part)

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
        part = part_of(self.recipe.batch, trainer.global_rank, trainer.world_size)
        steps = Steps(self.portraits, self.scenes, self.recipe, first, last, part)
        return DataLoader(steps, batch_size=None)

    def val_dataloader(self) -> DataLoader[int]:
        trainer = self.trainer
        assert trainer is not None
        # Every process has something to score, or it would not know the scores' names when they are averaged.
        split = len(self.val) >= trainer.world_size
        own = range(trainer.global_rank, len(self.val), trainer.world_size) if split else range(len(self.val))
        return DataLoader(own, batch_size=None)  # type: ignore[arg-type]
