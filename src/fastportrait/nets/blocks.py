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
        dilation: int = 1,
        act: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2 * dilation, dilation, groups, bias=False),
            nn.BatchNorm2d(c_out),
            act(),
        )


class Separable(nn.Sequential):
    """Depthwise 3x3, then pointwise, each with batch norm and ReLU: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(ConvBNAct(c_in, c_in, groups=c_in), ConvBNAct(c_in, c_out, kernel=1))


def resize_to(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear resize; `align_corners=False` everywhere, as the phone runtimes do it. One value a channel,
    (N, C, 1, 1), is spread over the map: LiteRT cannot load the `expand` that would do it too."""
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Channels (a, b, c, | d, e, f) of two groups become (a, d, b, e, c, f): (N, C, H, W) -> (N, C, H, W).

    In four dimensions: some phone runtimes refuse to transpose five.
    """
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h * w).transpose(1, 2).reshape(n, c, h, w)


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), bilinear: a constant scale, which every runtime has a kernel for."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def person(scores: Tensor) -> Tensor:
    """Scores of background and person (N, 2, H, W) -> the logit of their softmax (N, 1, H, W).

    Exact under any linear resize before or after it.
    """
    return scores[:, 1:] - scores[:, :1]
