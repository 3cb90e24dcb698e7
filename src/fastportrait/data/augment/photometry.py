"""Light and colour: exposure, white balance, darkness with its noise, backgrounds in the clothes' colour.

Images are (N, 3, H, W), RGB in [0, 1], and so are the results; each is changed in place.
"""

import torch
from torch import Tensor

from .chance import Chance, changed, grain

GAMMA = 2.2


def light(image: Tensor, chance: Chance, strength: Tensor) -> Tensor:
    """Exposure, gamma, contrast, tint, saturation, each picture by its `strength` (N,)."""

    chosen = strength > 0

    def by(low: float, high: float, channels: int = 1) -> Tensor:
        drawn = chance.uniform(low, high, channels) * strength.view(-1, 1)
        return drawn[chosen].view(-1, channels, 1, 1)

    def lit(old: Tensor) -> Tensor:
        new = old.clamp_min(1e-4).pow(by(-0.45, 0.45).exp())
        new = new * (by(-0.3, 0.3).exp() * by(-0.12, 0.12, 3).exp())
        grey = new.mean(1, keepdim=True)
        new = grey + (new - grey) * (1 + by(-0.6, 0.4))
        middle = new.mean((1, 2, 3), keepdim=True)
        return (middle + (new - middle) * (1 + by(-0.3, 0.3))).clamp(0, 1)

    return changed(image, chosen, lit)


def temperature(image: Tensor, chance: Chance, share: float) -> Tensor:
    """White balance that is off: red against blue by up to 2.5 to 1, green by 8 %, brightness kept."""
    chosen = chance.happens(share)
    warm, green = chance.uniform(-0.45, 0.45)[chosen], chance.uniform(-0.08, 0.08)[chosen]
    gain = torch.stack([warm, green, -warm], dim=1).exp().view(-1, 3, 1, 1)
    return changed(image, chosen, lambda old: _as_bright(old * gain, old))


def low_light(image: Tensor, chance: Chance, share: float) -> Tensor:
    """1.5 to 4 stops less light in linear values, photon and read noise, and gain for half of the loss.

    Photon noise grows with the root of the signal, read noise is even: A. Foi et al., "Practical
    Poissonian-Gaussian noise modeling", 2008. https://doi.org/10.1109/TIP.2008.2001399
    """
    chosen = chance.happens(share)
    stops = chance.uniform(1.5, 4.0, 1, 1, 1)[chosen]
    photons, read = (
        chance.uniform(0.001, 0.006, 1, 1, 1)[chosen],
        chance.uniform(0.001, 0.004, 1, 1, 1)[chosen],
    )
    seeds = chance.seeds()[chosen]

    def dark(old: Tensor) -> Tensor:
        signal = old.clamp(0, 1).pow(GAMMA) * 2**-stops
        deviation = (photons * signal + read**2).sqrt()
        signal = signal + deviation * grain(seeds, (3, *old.shape[-2:]))
        return (signal * 2 ** (stops / 2)).clamp(1e-6, 1).pow(1 / GAMMA)

    return changed(image, chosen, dark)


def like(image: Tensor, alpha: Tensor, able: Tensor, chance: Chance, share: float) -> Tensor:
    """The background shifted to the mean colour of the clothes, in those pictures that are `able` (N,).

    A shift of the background by d changes the mixed pixels by exactly (1 - alpha) d, so no seam marks the
    edge; that holds where alpha is right, and only such pictures should be `able`.
    """
    chosen = chance.happens(share) & able & (alpha.mean((1, 2, 3)) > 0.02)
    strength = chance.uniform(0.6, 1.0, 1, 1, 1)[chosen]
    person = alpha[chosen]
    rows = torch.linspace(-2, 1, alpha.shape[-2], device=alpha.device).clamp_min(0.01).view(1, 1, -1, 1)

    def recoloured(old: Tensor) -> Tensor:
        clothes, behind = _mean(old, person * rows), _mean(old, 1 - person)
        return (old + (1 - person) * strength * (clothes - behind)).clamp(0, 1)

    return changed(image, chosen, recoloured)


def _mean(image: Tensor, weight: Tensor) -> Tensor:
    """(N, 3, 1, 1): the mean colour by `weight` (N, 1, H, W)."""
    total = weight.sum((2, 3), keepdim=True).clamp_min(1e-6)
    return (image * weight).sum((2, 3), keepdim=True) / total


def _as_bright(image: Tensor, old: Tensor) -> Tensor:
    factor = old.mean((1, 2, 3), keepdim=True) / image.mean((1, 2, 3), keepdim=True).clamp_min(1e-6)
    return (image * factor).clamp(0, 1)
