"""Losses on a picture's mask as a whole: a small person counts like a large one."""

import torch
from torch import Tensor


def overlap(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """One minus each picture's soft IoU (Rahman and Wang, 2016)."""
    alpha = logit.sigmoid()
    both = (weight * alpha * target).sum((1, 2, 3))
    either = (weight * (alpha + target - alpha * target)).sum((1, 2, 3))
    smooth = 1e-3 * target[0].numel()  # keeps a picture without a person at zero loss for an empty mask
    return (1 - (both + smooth) / (either + smooth)).mean()


def dice(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """One minus each picture's Dice coefficient with squares below, so that a soft mask that is right costs
    nothing (F. Milletari et al., "V-Net", 2016, sec. 3, https://arxiv.org/abs/1606.04797)."""
    alpha = logit.sigmoid()
    both = (weight * alpha * target).sum((1, 2, 3))
    sizes = (weight * (alpha**2 + target**2)).sum((1, 2, 3))
    smooth = 1e-3 * target[0].numel()  # as in `overlap`
    return (1 - (2 * both + smooth) / (sizes + smooth)).mean()


def lovasz(logit: Tensor, target: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    """The Lovasz hinge: each picture's margin errors, the largest first, each times what the Jaccard loss
    gains when its pixel joins the wrong ones (M. Berman et al., "The Lovasz-Softmax loss", 2018, eq. 9 and
    alg. 1, https://arxiv.org/abs/1705.08790).

    A soft target counts as the person from a half on. A pixel is as many as its weight says.
    """
    person = (target > 0.5).flatten(1).to(logit.dtype)
    error = 1 - logit.flatten(1) * (2 * person - 1)
    error, order = error.sort(dim=1, descending=True)
    person, count = person.gather(1, order), weight.flatten(1).gather(1, order)
    people = (count * person).sum(1, keepdim=True)
    both = people - (count * person).cumsum(1)
    either = people + (count * (1 - person)).cumsum(1)
    jaccard = torch.where(either > 0, 1 - both / either.clamp_min(1e-6), 0.0)
    gain = jaccard.diff(dim=1, prepend=torch.zeros_like(people))
    return (error.relu() * gain).sum(1).mean()
