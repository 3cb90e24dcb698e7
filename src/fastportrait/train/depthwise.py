"""Depthwise filters that step or are large, trained in bf16 on a processor: the same sums, much sooner.

There oneDNN (in PyTorch 2.13) has no kernels for two gradients, and falls back on plain loops: that of a
stepping filter's input, in which four layers of a MobileNetV2 take a third of a training step, and that of
the weights of a filter larger than 3 x 3, two thirds of a step of EfficientNet-Lite. The first is the
gradient of a filter that does not step, with zeros where the step skips; for the second there are kernels in
float32.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 3
"""The largest side of a filter whose weights' gradient has a kernel in bf16."""


class _Filter(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)  # type: ignore[untyped-decorator]
    def forward(ctx: Any, x: Tensor, weight: Tensor, conv: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.conv = conv
        return F.conv2d(x, weight, None, conv.stride, conv.padding, conv.dilation, conv.groups)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (grad,), conv = grads, ctx.conv
        x, weight = ctx.saved_tensors
        given = torch.ops.aten.convolution_backward
        fixed = (conv.padding, conv.dilation, False, [0, 0], conv.groups)
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            spaced = grad
            if max(conv.stride) > 1:
                spaced = torch.empty_like(x).zero_()  # laid out as `x`
                spaced[:, :, :: conv.stride[0], :: conv.stride[1]] = grad
            to_x = given(spaced, x, weight, None, [1, 1], *fixed, [True, False, False])[0]
        if ctx.needs_input_grad[1]:
            seen = (grad, x, weight)
            if max(conv.kernel_size) > KERNEL:
                seen = (grad.float(), x.float(), weight.float())
            to_weight = given(*seen, None, conv.stride, *fixed, [False, True, False])[1].to(weight.dtype)
        return to_x, to_weight, None


class Depthwise(nn.Conv2d):
    """A depthwise `nn.Conv2d` without bias; its gradients are taken as above in autocast on a processor."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            return _Filter.apply(input, weight, self)  # type: ignore[no-untyped-call]
        return super()._conv_forward(input, weight, bias)


def quicken(net: nn.Module) -> None:
    """Makes those layers of `net` that gain by it `Depthwise`; weights and names stay as they are."""
    for module in net.modules():
        if type(module) is nn.Conv2d and _gains(module):
            module.__class__ = Depthwise


def _gains(conv: nn.Conv2d) -> bool:
    depthwise = conv.groups == conv.in_channels == conv.out_channels and conv.groups > 1
    same = isinstance(conv.padding, tuple) and all(
        2 * p == d * (k - 1) for p, d, k in zip(conv.padding, conv.dilation, conv.kernel_size, strict=True)
    )
    slow = max(conv.stride) > 1 or max(conv.kernel_size) > KERNEL
    return depthwise and same and slow and conv.bias is None and conv.padding_mode == "zeros"
