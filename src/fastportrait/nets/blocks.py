"""Building blocks that several networks share, each in its plainest form."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBNAct(nn.Sequential):
    """Convolution, batch norm, activation: (N, c_in, H, W) -> (N, c_out, H / stride, W / stride)."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
        act: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
            act(),
        )


class Separable(nn.Sequential):
    """Depthwise 3x3, then pointwise, each with batch norm and ReLU: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(ConvBNAct(c_in, c_in, groups=c_in), ConvBNAct(c_in, c_out, kernel=1))


def resize_to(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear resize; `align_corners=False` everywhere, as the phone runtimes do it."""
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), bilinear: a constant scale, which every runtime has a kernel for."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
