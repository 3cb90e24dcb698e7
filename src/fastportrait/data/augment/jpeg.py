"""JPEG's damage in batches: 8 x 8 blocks, their cosine transform, rounding by the standard's example tables.

Tables and transform: ITU-T T.81, annexes A.3.3 and K.1, https://www.w3.org/Graphics/JPEG/itu-t81.pdf.
Colours: ITU-T T.871, https://www.itu.int/rec/T-REC-T.871. What a file does after the rounding loses nothing.
"""

from math import cos, pi

import torch
from torch import Tensor
from torch.nn import functional as F

from .chance import Chance, changed

# fmt: off
LUMA = (
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
)
CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
) + (99,) * 32
# fmt: on
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def jpeg(image: Tensor, chance: Chance, share: float) -> Tensor:
    """Quality 10 to 70; a messenger's pictures lie between 50 and 80 and are often saved twice."""
    chosen, quality = chance.happens(share), chance.uniform(10, 70)
    return changed(image, chosen, lambda old: compressed(old, quality[chosen]))


def compressed(image: Tensor, quality: Tensor) -> Tensor:
    """(n, 3, H, W) RGB in [0, 1] as a JPEG of `quality` (n,) in 1 .. 100 shows it, colour at half the side.

    `quality` scales the tables as the Independent JPEG Group's library does.
    """
    height, width = image.shape[-2:]
    padded = F.pad(image.clamp(0, 1) * 255, (0, -width % 16, 0, -height % 16), mode="replicate")
    ycc = torch.einsum("dc,nchw->ndhw", image.new_tensor(TO_YCC), padded)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    luma = _rounded(ycc[:, :1] - 128, LUMA, scale) + 128
    chroma = _rounded(F.avg_pool2d(ycc[:, 1:], 2), CHROMA, scale)
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    rgb = torch.einsum("dc,nchw->ndhw", image.new_tensor(TO_RGB), torch.cat([luma, chroma], 1))
    return (rgb[..., :height, :width].round() / 255).clamp(0, 1)


def _rounded(plane: Tensor, table: tuple[int, ...], scale: Tensor) -> Tensor:
    """(n, C, H, W) after its blocks' frequencies were rounded to multiples of `table` times `scale` (n,)."""
    n, channels, height, width = plane.shape
    steps = (plane.new_tensor(table).view(1, 8, 8) * scale.view(-1, 1, 1) + 0.5).floor().clamp(1, 255)
    steps = steps.view(n, 1, 1, 8, 1, 8)
    wave = plane.new_tensor(_cosines())
    blocks = plane.view(n, channels, height // 8, 8, width // 8, 8)
    waves = torch.einsum("ui,ncyixj,vj->ncyuxv", wave, blocks, wave)
    waves = (waves / steps).round() * steps
    return torch.einsum("ui,ncyuxv,vj->ncyixj", wave, waves, wave).reshape(plane.shape)


def _cosines() -> list[list[float]]:
    """(8, 8): the orthonormal cosine transform, frequency by place (A.3.3)."""
    return [[(0.5 if u else 0.125**0.5) * cos((2 * i + 1) * u * pi / 16) for i in range(8)] for u in range(8)]
