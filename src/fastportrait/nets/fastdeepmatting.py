"""Fast Deep Matting: a tiny dilated dense network finds the person, a feathering block finds the hair.

Paper: B. Zhu, Y. Chen, J. Wang, S. Liu, B. Zhang and M. Tang, "Fast Deep Matting for Portrait Animation on
       Mobile Phone", 2017. https://arxiv.org/abs/1707.08289
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 2
Out:   logit (N, 1, H, W), > 0 is person; its sigmoid is the matte
Size:  fastdeepmatting-coarse: 24,622 params, 100.5 M MACs at 128 x 128
       fastdeepmatting: 25,657 params, 117.0 M MACs at 128 x 128
Differs from the paper: it leaves open how wide the feathering is and where batch norm stands, and two public
ports disagree; here 8 channels, batch norm in the feathering alone. The feathering takes the softmax of the
coarse scores (one port does, one takes the scores), so that it can follow any segmenter, and its squares and
products stay in [0, 1], which half precision and integers hold. The coarse scores are linear, not behind a
ReLU: two scores at zero would say nothing and learn nothing.
"""

import torch
from torch import Tensor, nn

from .blocks import double, person
from .card import Card, Published
from .network import Network


class LightDense(nn.Module):
    """The light dense network: every layer sees all before it, each further apart. (N, 3, H, W) -> scores of
    background and person (N, 2, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 13, kernel_size=3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c_in, 16, 3, padding=dilation, dilation=dilation), nn.ReLU())
            for c_in, dilation in ((16, 2), (32, 4), (48, 6), (64, 8))
        )
        self.score = nn.Conv2d(64, 2, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.stem(x), self.pool(x)], dim=1)
        found: list[Tensor] = []
        for layer in self.layers:
            found.append(layer(torch.cat([x, *found], dim=1)))
        return double(self.score(torch.cat(found, dim=1)))


class Feathering(nn.Module):
    """The feathering block: a guided filter whose coefficients are learnt, behind any segmenter.

    Image (N, 3, H, W) in [0, 1], how much `foreground` and `background` (N, 1, H, W) each place is, in [0, 1]
    -> logit (N, 1, H, W), whose sigmoid is alpha.
    """

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.filter = nn.Sequential(
            nn.Conv2d(11, width, kernel_size=3, padding=1), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.coefficients = nn.Conv2d(width, 3, kernel_size=3, padding=1)

    def forward(self, image: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
        seen = torch.cat([image, foreground, background, image * image, image * foreground], dim=1)
        a, b, c = self.coefficients(self.filter(seen)).split(1, dim=1)
        return a * foreground + b * background + c


class Coarse(Network):
    """The first stage: the light dense network alone, whose two scores are the mask."""

    multiple = 2

    def __init__(self) -> None:
        super().__init__()
        self.trunk = LightDense()

    def forward(self, image: Tensor) -> Tensor:
        return person(self.trunk(self.normalise(image)))


class FastDeepMatting(Network):
    """The second stage: feathered. Its recipe leaves the trunk as the first stage has made it."""

    multiple = 2

    def __init__(self) -> None:
        super().__init__()
        self.trunk = LightDense()
        self.feathering = Feathering()

    def forward(self, image: Tensor) -> Tensor:
        background, foreground = self.trunk(self.normalise(image)).softmax(1).split(1, dim=1)
        return self.feathering(image, foreground, background)


CARDS = (
    Card("fastdeepmatting-coarse", Coarse, size=(128, 128)),
    Card("fastdeepmatting", FastDeepMatting, size=(128, 128)),
)
PUBLISHED = (Published("fastdeepmatting-published", FastDeepMatting, (3, 128, 128), 25_657, 117.0e6),)
