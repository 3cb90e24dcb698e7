"""MODNet: where the person is, what the edge looks like, and a matte from both, each with a loss of its own.

Paper: Z. Ke et al., "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition", 2020.
       https://arxiv.org/abs/2011.11961
In:    image (N, 3, H, W), RGB in [0, 1]; H and W multiples of 32
Out:   logit (N, 1, H, W) of the matte, > 0 is person
Size:  modnet: 6,476,609 params, 3867.1 M MACs at 256 x 256
Differs from the paper: the logit is what the paper's last sigmoid takes. Our losses look at all of a helper's
map and by cross-entropy; the paper looks at the detail branch in a band around the edge only, by absolute
difference, and at the semantic one by squares. The fine-tuning on unlabelled frames (sec. 3.4) is not built.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvBNAct, double
from .card import Card, Published
from .mobilenetv2 import Trunk
from .network import Network


class IBNorm(nn.Module):
    """Batch norm on the first half of the channels, instance norm without weights on the second."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=1)
        return torch.cat([self.batch(first), F.instance_norm(second)], dim=1)


class ConvIBN(nn.Module):
    """Convolution, IBNorm, ReLU: (N, c_in, H, W) -> (N, c_out, H / stride, W / stride)."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2)
        self.norm = IBNorm(c_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)).relu()

    @torch.no_grad()
    def fuse(self) -> nn.Module:
        """The batch norm's half becomes part of the convolution; the other needs each image's statistics."""
        conv, norm = deepcopy(self.conv), self.norm.batch
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert conv.bias is not None
        half = norm.num_features
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        conv.weight[:half] *= scale.view(-1, 1, 1, 1)
        conv.bias[:half] = (conv.bias[:half] - norm.running_mean) * scale + norm.bias
        return nn.Sequential(conv, INormHalf(), nn.ReLU())


class INormHalf(nn.Module):
    """What is left of IBNorm on the phone: the second half of the channels, normed over each image."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=1)
        return torch.cat([first, F.instance_norm(second)], dim=1)


class ChannelAttention(nn.Module):
    """Sec. 3.1, squeeze and excite: (N, C, h, w) -> the same."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // reduction, kernel_size=1, bias=False)
        self.excite = nn.Conv2d(channels // reduction, channels, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.excite(self.squeeze(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Semantic(nn.Module):
    """Sec. 3.1, low resolution: (N, 1280, H/32, W/32) -> (N, 32, H/8, W/8)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = ChannelAttention(1280)
        self.s16 = ConvIBN(1280, 96, kernel=5)
        self.s8 = ConvIBN(96, 32, kernel=5)

    def forward(self, x: Tensor) -> Tensor:
        return self.s8(double(self.s16(double(self.attention(x)))))


class Detail(nn.Module):
    """Sec. 3.2, high resolution: the image, s2, s4 and what `Semantic` gives -> (N, 32, H/2, W/2)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.narrow_s2 = ConvIBN(16, width, kernel=1)
        self.narrow_s4 = ConvIBN(24, width, kernel=1)
        self.halve = ConvIBN(width + 3, width, stride=2)
        self.join_s4 = ConvIBN(2 * width, 2 * width)
        self.body_s4 = nn.Sequential(
            ConvIBN(3 * width + 3, 2 * width), ConvIBN(2 * width, 2 * width), ConvIBN(2 * width, width)
        )
        self.body_s2 = nn.Sequential(
            ConvIBN(2 * width, 2 * width),
            ConvIBN(2 * width, width),
            ConvIBN(width, width),
            ConvIBN(width, width),
        )

    def forward(self, image: Tensor, s2: Tensor, s4: Tensor, semantic: Tensor) -> Tensor:
        s2 = self.narrow_s2(s2)
        x = self.halve(torch.cat([shrunk(image, 2), s2], dim=1))
        x = self.join_s4(torch.cat([x, self.narrow_s4(s4)], dim=1))
        x = self.body_s4(torch.cat([x, double(semantic), shrunk(image, 4)], dim=1))
        return self.body_s2(torch.cat([double(x), s2], dim=1))


class Fusion(nn.Module):
    """Sec. 3.3: the image, semantic (N, 32, H/8, W/8) and detail (N, 32, H/2, W/2) -> logit (N, 1, H, W)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.s4 = ConvIBN(32, width, kernel=5)
        self.s2 = ConvIBN(2 * width, width)
        self.head = Head(width, width // 2)

    def forward(self, image: Tensor, semantic: Tensor, detail: Tensor) -> Tensor:
        x = double(self.s4(double(semantic)))
        return self.head(image, self.s2(torch.cat([x, detail], dim=1)))


class Head(nn.Module):
    """A map at half the image's size, enlarged, beside the image: (N, c_in, H/2, W/2) -> (N, 1, H, W)."""

    def __init__(self, c_in: int, width: int) -> None:
        super().__init__()
        self.filter = ConvIBN(c_in + 3, width)
        self.score = nn.Conv2d(width, 1, kernel_size=1)

    def forward(self, image: Tensor, x: Tensor) -> Tensor:
        return self.score(self.filter(torch.cat([double(x), image], dim=1)))


def shrunk(image: Tensor, by: int) -> Tensor:
    """Bilinear, as the paper shrinks the image for its branches: (N, 3, H, W) -> (N, 3, H/by, W/by)."""
    return F.interpolate(image, scale_factor=1 / by, mode="bilinear", align_corners=False)


class MODNet(Network):
    def __init__(self) -> None:
        super().__init__(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        self.trunk = Trunk()
        self.last = ConvBNAct(320, 1280, kernel=1, act=nn.ReLU6)
        self.semantic = Semantic()
        self.detail = Detail()
        self.fusion = Fusion()
        self.helpers["semantic"] = nn.Conv2d(32, 1, kernel_size=3, stride=2, padding=1)
        self.helpers["detail"] = Head(32, 32)

    def branches(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The normalised image -> semantic (N, 32, H/8, W/8) and detail (N, 32, H/2, W/2)."""
        s2, s4, _, _, s32 = self.trunk(image)
        semantic = self.semantic(self.last(s32))
        return semantic, self.detail(image, s2, s4, semantic)

    def forward(self, image: Tensor) -> Tensor:
        image = self.normalise(image)
        return self.fusion(image, *self.branches(image))

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        image = self.normalise(image)
        semantic, detail = self.branches(image)
        return {
            "mask": self.fusion(image, semantic, detail),
            "mask_semantic": self.helpers["semantic"](semantic),  # at 1/16
            "mask_detail": self.helpers["detail"](image, detail),
        }


CARDS = (Card("modnet", MODNet, size=(256, 256)),)
PUBLISHED = (
    Published("modnet", MODNet, (3, 512, 512), 6_487_075, 15.47e9, helpers=True),
    Published("modnet-256", MODNet, (3, 256, 256), 6_487_075, 3.87e9, helpers=True),
)
