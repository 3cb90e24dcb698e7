"""People on other backgrounds: clean edges, the light of the scene, a second person beside.

A cut-out's edge pixels are mixed with the background that it came from, which would mark the mask's edge with
a halo that no photo has.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..amounts import Amounts
from ..memory import MASKS, Pictures
from .chance import Chance, changed
from .geometry import beside_window, look, middle


def over(front: Tensor, alpha: Tensor, back: Tensor) -> Tensor:
    """`front` over `back`: (N, 3, H, W), (N, 1, H, W), (N, 3, H, W), all in [0, 1]."""
    return alpha * front + (1 - alpha) * back


def clean(person: Tensor, alpha: Tensor, chosen: Tensor) -> Tensor:
    """The `chosen` (N,) people with the colours of their solid parts carried outwards over the soft edge.

    The carried colour is a mean of what is solid, over some pixels first and over a wide neighbourhood where
    nothing solid is that near (hair).
    """
    opaque = alpha[chosen]

    def carried(old: Tensor) -> Tensor:
        solid = ((opaque - 0.6) / 0.35).clamp(0, 1)
        near = F.avg_pool2d(torch.cat([old * solid, solid], 1), 4, ceil_mode=True)
        found = torch.zeros_like(near)
        for side, trust in ((3, 1.0), (5, 1e-2), (11, 1e-4)):  # what is near counts by far the most
            near = F.avg_pool2d(near, (side, 1), 1, (side // 2, 0))
            near = F.avg_pool2d(near, (1, side), 1, (0, side // 2))
            found = found + trust * near
        found = torch.cat([found[:, :3] / found[:, 3:].clamp_min(1e-9), (found[:, 3:] > 1e-7).float()], 1)
        spread, known = F.interpolate(found, old.shape[-2:], mode="bilinear").tensor_split((3,), 1)
        share = known * (1 - ((opaque - 0.5) / 0.5).clamp(0, 1))
        return old + share * (spread - old)

    return changed(person, chosen, carried)


def match(person: Tensor, alpha: Tensor, scene: Tensor, chance: Chance, chosen: Tensor) -> Tensor:
    """The `chosen` (N,) people take on a part of the scene's brightness and of its tint."""
    bright, tint = (chance.uniform(low, high, 1, 1, 1)[chosen] for low, high in ((0.1, 0.5), (0.1, 0.4)))
    weight = alpha[chosen] + 1e-6
    there = scene[chosen].mean((2, 3), keepdim=True) + 0.05

    def lit(old: Tensor) -> Tensor:
        here = (old * weight).sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True) + 0.05
        gain = (there / here).log()
        grey = gain.mean(1, keepdim=True)
        return (old * (bright * grey + tint * (gain - grey)).clamp(-0.7, 0.7).exp()).clamp(0, 1)

    return changed(person, chosen, lit)


def second_person(
    portraits: Pictures, alpha: Tensor, able: Tensor, amounts: Amounts, chance: Chance
) -> tuple[Tensor, Tensor]:
    """(N, 3, H, W) and (N, 1, H, W): somebody beside the person of `alpha`, where `able` (N,) and it happens.

    Only people with a trusted soft mask are taken, and only those who are whole to both sides: an arm that
    ends at a straight line hangs in the air.
    """
    soft = portraits.draw * (portraits.mask <= MASKS.index("refined")).to(portraits.draw.device)
    person, theirs = alpha.new_zeros(len(alpha), 3, *alpha.shape[-2:]), torch.zeros_like(alpha)
    if not soft.any():
        return person, theirs
    drawn = torch.multinomial(soft.cpu(), chance.count, replacement=True, generator=chance.generator)
    which = drawn[chance.rows].to(alpha.device)
    chosen = chance.happens(amounts.several) & able & (alpha.mean((1, 2, 3)) > 0.02)
    extent, side = portraits.extent[which], portraits.alpha.shape[-1]
    place = chance.uniform(0, 1, 3)
    for n in chosen.nonzero().flatten().tolist():  # few of a batch
        i = slice(n, n + 1)
        canvas = portraits.alpha[which[i]].float() / 255
        rim = canvas[..., [0, int(extent[n, 1]) - 1]].mean(2)
        if rim.max() > 0.08:
            continue
        window = beside_window(extent[i], middle(canvas)[:, 1] * side, middle(alpha[i])[:, 1], place[i])
        seen, inside = look(portraits, which[i], window, (alpha.shape[-2], alpha.shape[-1]))
        theirs[i] = seen[:, 3:] * inside
        person[i] = seen[:, :3]
    shown = theirs.amax((1, 2, 3)) > 0
    return (clean(person, theirs, shown) if amounts.clean else person), theirs
