"""Losses on a network's other outputs, and against masks that are not labels: a teacher's, or its own."""

from torch import Tensor
from torch.nn import functional as F

from .pixels import cross_entropy, edge_band, hard_first, mean


def helper(name: str, value: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The loss on the output `name` of a network: see `Network.outputs` for what the names mean.

    Raises `ValueError` on a name that none of these fits. For "policy" see `policy`.
    """
    if name.startswith("cost_"):
        return value
    if name.startswith("mask_"):
        return cross_entropy(value, _shrunk(target, value), _shrunk(weight, value))
    if name.startswith("edge_"):
        radius = max(1, round(target.shape[-1] * 0.01))
        height, width = value.shape[-2:]
        band = F.adaptive_max_pool2d(edge_band(target, radius), (height, width))
        return hard_first(value, band, _shrunk(weight, value))
    raise ValueError(
        f"no loss is known for the output {name!r}: it should be policy, or begin mask_, edge_ or cost_"
    )


def distil(logit: Tensor, teacher: Tensor, trust: Tensor) -> Tensor:
    """Cross-entropy against the teacher's soft mask, twice as strong at its edges.

    `teacher` is its logit (N, 1, H, W); `trust` (N, 1, 1, 1) weighs whole pictures.
    """
    target = teacher.sigmoid()
    band = edge_band(target, radius=max(2, round(target.shape[-1] * 0.015)))
    return cross_entropy(logit, target, trust * (1 + band))


def affinity(features: Tensor, teacher: Tensor, trust: Tensor, grid: int = 8) -> Tensor:
    """How far two networks disagree on which places of a picture are alike.

    Each map (N, C, h, w), of any two widths and sizes, is pooled to `grid` x `grid` places; alike is the
    cosine between the channels of two places, and the loss is the mean squared difference over all pairs
    (Y. Liu et al., "Structured Knowledge Distillation for Semantic Segmentation", 2019,
    https://arxiv.org/abs/1903.04197, sec. 3.1, pair-wise distillation).
    `trust` (N, 1, 1, 1) weighs whole pictures.
    """
    mine, theirs = (_alike(F.adaptive_avg_pool2d(x.float(), grid)) for x in (features, teacher))
    return mean((mine - theirs.detach()).square()[:, None], trust.expand(-1, 1, *mine.shape[-2:]))


def _alike(x: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, h w, h w)."""
    places = F.normalize(x.flatten(2), dim=1)
    return places.transpose(1, 2) @ places


def consistency(logit: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """How far `logit`, of a picture in another light, is from `other`, of the same picture as it was: the
    Kullback-Leibler divergence, averaged over pixels. `other` gets no gradient: it saw the better picture
    (S.-H. Zhang et al., "PortraitNet", 2019, sec. 3.3, at a temperature of 1).
    """
    other = other.detach()
    right = other.sigmoid()
    most = F.binary_cross_entropy_with_logits(
        other, right, reduction="none"
    )  # what even the same logit costs
    return cross_entropy(logit, right, weight) - mean(most, weight)


def policy(decisions: Tensor, task: Tensor) -> Tensor:
    """REINFORCE (R. Williams, 1992) as SkipNet has it (X. Wang et al., 2017, sec. 3.3,
    https://arxiv.org/abs/1711.09485): a scalar whose gradient makes decisions that paid off more likely.

    `decisions` (N, 2, G): log-probability and reward of each image's G decisions, in order. What a decision
    brings is its own reward and those after it, less the image's loss `task` (N,). The batch's mean of that
    is taken off, as the paper does not: it calms the gradient, and leaves where it points almost as it was.
    """
    log, reward = decisions.unbind(1)
    brought = reward.flip(1).cumsum(1).flip(1) - task[:, None]
    advantage = (brought - brought.mean(0)).detach()
    return -(log * advantage).sum(1).mean()


def _shrunk(x: Tensor, like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    return F.adaptive_avg_pool2d(x, (height, width))
