"""Can a network learn at all? Eight made portraits, by heart, from random weights."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from ..export.pictures import portraits
from ..losses import each, helper, mask, policy
from ..nets.card import Card


@dataclass(frozen=True)
class Learnt:
    side: int
    """Height and width of the portraits."""
    iou: float
    """Mean person IoU over the eight, in evaluation mode."""
    steps: int
    """Optimiser steps it took, of those allowed."""
    seconds: float


def overfit(card: Card, enough: float = 0.95, steps: int = 600, lr: float = 2e-3, seed: int = 0) -> Learnt:
    """Trains `card`'s network with all its outputs until it knows the eight to `enough`, at 96 to 128 px."""
    torch.manual_seed(seed)
    net = card.build()
    step = net.multiple
    side = max(*card.smallest, -(-96 // step) * step)
    made = portraits(8, (side, side), seed)
    image = torch.from_numpy(np.concatenate([picture for picture, _ in made]))
    alpha = torch.from_numpy(np.concatenate([a for _, a in made]))
    everywhere = torch.ones_like(alpha)
    optimiser = torch.optim.Adam(net.parameters(), lr)
    begun, iou = time.monotonic(), 0.0
    for done in range(1, steps + 1):
        net.train().advance(done / (steps + 1))
        for group in optimiser.param_groups:
            group["lr"] = lr * min(1.0, done / 20, 1.05 - done / steps)
        outputs = net.outputs(image)
        logit = outputs.pop("mask")
        loss = mask(logit, alpha, everywhere, image)
        decisions = outputs.pop("policy", None)
        if decisions is not None:
            loss = loss + 0.01 * policy(decisions, each({"mask": 1.0}, logit, alpha, everywhere, image))
        for name, value in outputs.items():
            share = 1e-4 if name.startswith("cost_") else 0.2
            loss = loss + share * helper(name, value, alpha, everywhere)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        if done % 20 == 0:
            with torch.no_grad():
                found, true = net.eval()(image) > 0, alpha > 0.5
            both, either = (found & true).sum((1, 2, 3)), (found | true).sum((1, 2, 3))
            iou = float((both / either).mean())
            if iou > enough:
                break
    return Learnt(side, iou, done, time.monotonic() - begun)
