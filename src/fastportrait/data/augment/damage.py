"""What cameras and uploads do: a soft lens, a shaken hand, few pixels, noise, no colour.

Images are (N, 3, H, W), RGB in [0, 1]; changed in place; noise may leave that range.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .chance import Chance, changed, grain


def blur(image: Tensor, chance: Chance, share: float) -> Tensor:
    """A Gaussian of 0.4 to 2 pixels."""
    from kornia.filters import gaussian_blur2d

    chosen, sigma = chance.happens(share), chance.uniform(0.4, 2.0, 1)
    return changed(image, chosen, lambda old: gaussian_blur2d(old, 7, sigma[chosen].expand(-1, 2)))


def motion(image: Tensor, chance: Chance, share: float) -> Tensor:
    """A line of 5 to 11 pixels: one length in all pictures of a step, a direction for each."""
    from kornia.filters import motion_blur

    chosen, angle = chance.happens(share), chance.uniform(0, 360)
    length = 2 * int(chance.once(2, 6)) + 1
    even = torch.zeros_like(angle)
    return changed(image, chosen, lambda old: motion_blur(old, length, angle[chosen], even[chosen]))


def rescale(image: Tensor, chance: Chance, share: float) -> Tensor:
    """Shrunk to 0.35 to 0.65 of its side, the same in all pictures of a step, and enlarged again."""
    factor = chance.once(0.35, 0.65)
    height, width = image.shape[-2:]

    def coarse(old: Tensor) -> Tensor:
        less = (max(1, round(height * factor)), max(1, round(width * factor)))
        small = F.interpolate(old, less, mode="bilinear", antialias=True)
        return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)

    return changed(image, chance.happens(share), coarse)


def noise(image: Tensor, chance: Chance, share: float) -> Tensor:
    """Even noise of up to 5 % of full scale."""
    chosen = chance.happens(share)
    deviation, seeds = chance.uniform(0.0, 0.05, 1, 1, 1)[chosen], chance.seeds()[chosen]
    return changed(image, chosen, lambda old: old + deviation * grain(seeds, (3, *old.shape[-2:])))


def grey(image: Tensor, chance: Chance, share: float) -> Tensor:
    return changed(image, chance.happens(share), lambda old: old.mean(1, keepdim=True).expand_as(old))
