"""Depthwise filters whose gradients are taken another way: the same numbers as PyTorch's own."""

import pytest
import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.train.depthwise import Depthwise, quicken


def gradients(conv, image, dtype):
    """Of a loss that weighs every output differently: (the output, input's and weights' gradients)."""
    image = image.clone().requires_grad_()
    conv.weight.grad = None
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
        out = conv(image)
    weights = torch.linspace(-1, 1, out.numel()).view(out.shape)
    (out.float() * weights).sum().backward()
    return out, image.grad, conv.weight.grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 2, 1), (5, 1, 1), (5, 2, 1), ((1, 7), (1, 2), 1), (3, 2, 2)]
)
@pytest.mark.parametrize("size", [(12, 16), (13, 11)])
def test_gradients_are_those_of_the_plain_layer(kernel, stride, dilation, size, dtype):
    torch.manual_seed(0)
    sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    padding = tuple(dilation * (k - 1) // 2 for k in sides)
    plain = nn.Conv2d(8, 8, kernel, stride, padding, dilation, groups=8, bias=False)
    other = nn.Conv2d(8, 8, kernel, stride, padding, dilation, groups=8, bias=False)
    other.load_state_dict(plain.state_dict())
    quicken(other)
    assert type(other) is Depthwise
    image = torch.randn(3, 8, *size).contiguous(memory_format=torch.channels_last)
    for mine, theirs in zip(gradients(other, image, dtype), gradients(plain, image, dtype), strict=True):
        # Sums of bf16 products, rounded once here and there.
        torch.testing.assert_close(mine, theirs, rtol=2e-2, atol=2e-2 * float(theirs.detach().abs().max()))
        assert mine.dtype == theirs.dtype


def test_a_frozen_layer_gets_no_gradient():
    conv = nn.Conv2d(4, 4, 3, 2, 1, groups=4, bias=False)
    conv.requires_grad_(False)
    quicken(conv)
    _, to_image, to_weight = gradients(conv, torch.randn(1, 4, 8, 8), torch.bfloat16)
    assert to_weight is None
    assert to_image.abs().sum() > 0


def test_only_what_gains_is_changed_and_names_stay():
    net = ZOO["small"].build()
    names = list(net.state_dict())
    quicken(net)
    chosen = [m for m in net.modules() if isinstance(m, Depthwise)]
    assert {m.stride for m in chosen} == {(2, 2)}
    assert len(chosen) == sum(
        isinstance(m, nn.Conv2d) and m.groups > 1 and m.stride == (2, 2) for m in net.modules()
    )
    assert list(net.state_dict()) == names
    for conv in (
        nn.Conv2d(3, 8, 3, 2, 1),
        nn.Conv2d(8, 8, 3, 2, 0, groups=8, bias=False),
        nn.Conv2d(8, 8, 5),
    ):
        quicken(conv)
        assert type(conv) is nn.Conv2d
