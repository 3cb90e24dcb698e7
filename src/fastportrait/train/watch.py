"""What looks on while a network trains: how fast it is, whether it still learns, what its masks look like."""

import time
from collections import deque
from copy import deepcopy
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

EVERY = 20
"""Steps between looks: each waits for the device, which otherwise runs ahead of Python."""


class Divergence(pl.Callback):
    """Stops a run that no longer learns: `ValueError` where the loss is not finite, or was `far` times its
    running median in every one of the last `long` steps."""

    def __init__(self, far: float = 10.0, long: int = 100, memory: int = 1000) -> None:
        self.far, self.long = far, long
        self.fresh: list[Tensor] = []
        self.seen: deque[float] = deque(maxlen=memory)
        self.above = 0

    def on_train_batch_end(self, trainer: pl.Trainer, net: Any, outputs: Any, batch: Any, index: int) -> None:
        self.fresh.append(outputs["loss"].detach())
        if len(self.fresh) == EVERY:
            self.look(trainer.global_step)

    def on_validation_start(self, trainer: pl.Trainer, net: Any) -> None:
        self.look(trainer.global_step)  # before the checkpoint: what is broken is not kept

    def look(self, step: int) -> None:
        """Judges what came since the last look; `step` optimiser steps are done."""
        losses = torch.stack(self.fresh).tolist() if self.fresh else []
        self.fresh = []
        for at, loss in enumerate(losses, step - len(losses)):
            if not abs(loss) < float("inf"):
                raise ValueError(f"the loss is {loss} at step {at}: lower lr or clip")
            usual = median(self.seen) if len(self.seen) >= self.long else 0.0
            self.above = self.above + 1 if 0 < usual * self.far < loss else 0
            if self.above >= self.long:
                raise ValueError(
                    f"the loss is {loss:.3g} at step {at}, and has been more than {self.far:g} times its "
                    f"median of {usual:.3g} for {self.long} steps: lower lr or clip"
                )
            self.seen.append(loss)


class Speed(pl.Callback):
    """Images/s while it trains, and at the end how far that is from the network alone, in `said`.

    `rate` and `alone` are both in images/s; 0 where nothing was trained."""

    def __init__(self, images: int) -> None:
        """`images` of a step, over all devices."""
        self.images = images
        self.steps, self.pending, self.seconds, self.since = 0, 0, 0.0, 0.0
        self.batch: Any = None
        self.said, self.rate, self.alone = "", 0.0, 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, net: Any) -> None:
        self.pending, self.since = 0, time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, net: Any, outputs: Any, batch: Any, index: int) -> None:
        self.pending += 1
        self.batch = batch
        if self.pending == EVERY:
            self.count(net)
            net.log("images/s", self.images * self.steps / self.seconds, prog_bar=True)

    def on_validation_start(self, trainer: pl.Trainer, net: Any) -> None:
        self.count(net)

    def count(self, net: Any) -> None:
        _wait(net.device)
        now = time.perf_counter()
        self.steps, self.seconds = self.steps + self.pending, self.seconds + now - self.since
        self.pending, self.since = 0, now

    def on_train_end(self, trainer: pl.Trainer, net: Any) -> None:
        if self.batch is None or not self.steps:
            return
        self.rate = self.images * self.steps / self.seconds
        with trainer.precision_plugin.forward_context():
            self.alone = self.images / alone_seconds(net, self.batch.image)
        self.said = (
            f"{self.rate:,.1f} images/s; the network alone, forward and backward: {self.alone:,.1f}, "
            f"of which this is {min(1.0, self.rate / self.alone):.0%}"
        )


def alone_seconds(training: Any, image: Tensor, steps: int = 3) -> float:
    """Seconds for the network's own forward and backward pass on `image`: the median of a few, after one."""
    net, taken = deepcopy(training.net).train(), []
    for _ in range(1 + steps):
        _wait(image.device)
        begun = time.perf_counter()
        loss = torch.stack([value.float().mean() for value in net.outputs(image).values()]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        net.zero_grad()
        _wait(image.device)
        taken.append(time.perf_counter() - begun)
    return median(taken[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
