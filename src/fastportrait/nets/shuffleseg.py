"""ShuffleSeg: a ShuffleNet whose scores at three strides are added on the way up, as in FCN-8s.

Paper: M. Gamal et al., "ShuffleSeg: Real-time Semantic Segmentation Network", 2018.
       https://arxiv.org/abs/1803.03816
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W), > 0 is person
Size:  shuffleseg: 909,246 params, 180.2 M MACs at 256 x 256
Differs from the paper: the authors' code keeps a bias in convolutions that a batch norm follows, which would
undo it; here they have none. Images are normalised by ImageNet's mean and deviation, not by a mean image. The
paper's other two decoders (a U-Net, and dilation), which it compares with this one, are not built.
"""

from functools import partial

import torch
from torch import Tensor, nn

from .blocks import person
from .card import Card, Published
from .network import Network
from .shufflenetv1 import Trunk


def enlarge(channels: int, factor: int) -> nn.ConvTranspose2d:
    """(N, C, H, W) -> (N, C, factor * H, factor * W): trainable, bilinear interpolation to begin with."""
    kernel = 2 * factor
    up = nn.ConvTranspose2d(channels, channels, kernel, factor, factor // 2, bias=False)
    tent = 1 - (torch.arange(kernel) + 0.5 - factor).abs() / factor
    with torch.no_grad():
        up.weight.copy_(torch.eye(channels)[:, :, None, None] * (tent[:, None] * tent))
    return up


class SkipDecoder(nn.Module):
    """The decoder "SkipNet": scores of strides 32, 16 and 8, each sum doubled; the last step is by 8.

    J. Long et al., "Fully Convolutional Networks", 2015, fig. 3. https://arxiv.org/abs/1411.4038
    """

    def __init__(self, channels: list[int], classes: int = 2) -> None:
        """`channels` of the maps at strides 8, 16 and 32."""
        super().__init__()
        s8, s16, s32 = channels
        self.score8 = nn.Conv2d(s8, classes, kernel_size=1)
        self.score16 = nn.Conv2d(s16, classes, kernel_size=1)
        self.score32 = nn.Conv2d(s32, classes, kernel_size=1)
        self.up32 = enlarge(classes, 2)
        self.up16 = enlarge(classes, 2)
        self.up8 = enlarge(classes, 8)

    def forward(self, s8: Tensor, s16: Tensor, s32: Tensor) -> Tensor:
        """Three maps of an image (N, 3, H, W) -> (N, classes, H, W)."""
        x = self.up32(self.score32(s32)) + self.score16(s16)
        x = self.up16(x) + self.score8(s8)
        return self.up8(x)


class ShuffleSegScores(nn.Module):
    """The published network: (N, 3, H, W), normalised -> scores (N, classes, H, W)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = Trunk(groups=3)
        self.decoder = SkipDecoder(self.trunk.channels[2:], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(*self.trunk(x)[2:])


class ShuffleSeg(Network):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(groups=3)
        self.decoder = SkipDecoder(self.trunk.channels[2:])

    def forward(self, image: Tensor) -> Tensor:
        return person(self.decoder(*self.trunk(self.normalise(image))[2:]))


CARDS = (Card("shuffleseg", ShuffleSeg, size=(256, 256)),)
PUBLISHED = (
    Published("shuffleseg-512x1024", partial(ShuffleSegScores, 20), (3, 512, 1024), 1_053_588, 2.350e9),
    Published("shuffleseg-384x640", partial(ShuffleSegScores, 20), (3, 384, 640), 1_053_588, 1.102e9),
)
