"""Heads that turn a classifier's trunk into a mask, as the literature pairs them.

Each gives scores (N, classes, h, w): with two classes `person(scores)` is the logit.
"""

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct, Separable, double, resize_to


class SeparableUNet(nn.Module):
    """U-Net's path up with separable filters: double, put the skip beside it, filter.

    O. Ronneberger et al., "U-Net", 2015, https://arxiv.org/abs/1505.04597; the separable filters are those of
    MobileNets. As many steps as features, so that the last one ends at the image's size, without a skip.
    """

    def __init__(
        self, channels: list[int], widths: tuple[int, ...] = (64, 48, 32, 24, 16), classes: int = 2
    ) -> None:
        """`channels` of the features, the finest first; `widths` of the steps, the coarsest first."""
        super().__init__()
        skips = [*channels[-2::-1], 0]
        inputs = [channels[-1], *widths[:-1]]
        self.steps = nn.ModuleList(
            Separable(c_in + skip, width) for c_in, skip, width in zip(inputs, skips, widths, strict=True)
        )
        self.score = nn.Conv2d(widths[-1], classes, kernel_size=1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """[s2, s4, s8, ...] of an image (N, 3, H, W) -> (N, classes, H, W)."""
        *skips, x = features
        for step in self.steps[:-1]:
            x = step(torch.cat([double(x), skips.pop()], dim=1))
        return self.score(self.steps[-1](double(x)))


class LiteASPP(nn.Module):
    """What is here beside what the whole picture shows: MobileNetV2's cut of DeepLabv3's pyramid.

    M. Sandler et al., "MobileNetV2", 2018, sec. 6.3. https://arxiv.org/abs/1801.04381
    """

    def __init__(self, channels: int, classes: int = 2, width: int = 256) -> None:
        super().__init__()
        self.here = ConvBNAct(channels, width, kernel=1)
        self.whole = ConvBNAct(channels, width, kernel=1)
        self.project = ConvBNAct(2 * width, width, kernel=1)
        self.score = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, classes, h, w)."""
        whole = resize_to(self.whole(x.mean((2, 3), keepdim=True)), x.shape[2:])
        return self.score(self.project(torch.cat([self.here(x), whole], dim=1)))


class LRASPP(nn.Module):
    """Scores of a coarse map, gated by the whole picture, plus scores of a finer one.

    A. Howard et al., "Searching for MobileNetV3", 2019, fig. 10. https://arxiv.org/abs/1905.02244
    The paper gates large street scenes by windows of 49 x 49; a portrait's map is smaller than one of them.
    """

    def __init__(self, fine: int, coarse: int, classes: int = 2, width: int = 128) -> None:
        super().__init__()
        self.here = ConvBNAct(coarse, width, kernel=1)
        self.gate = nn.Conv2d(coarse, width, kernel_size=1, bias=False)
        self.score = nn.Conv2d(width, classes, kernel_size=1)
        self.score_fine = nn.Conv2d(fine, classes, kernel_size=1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(N, C, h, w) and (N, C', h', w') -> (N, classes, h, w)."""
        x = self.here(coarse) * self.gate(coarse.mean((2, 3), keepdim=True)).sigmoid()
        return self.score(resize_to(x, fine.shape[2:])) + self.score_fine(fine)
