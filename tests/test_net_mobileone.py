"""MobileOne: what it learns with and what it runs as are the same function."""

import pytest
import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.mobileone import Block, Branches, fused, unit


def moved(module):
    """`module` in evaluation mode, its norms away from their start."""
    torch.manual_seed(0)
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
            nn.init.uniform_(m.weight, -2, 2)
            nn.init.normal_(m.bias)
    return module.eval()


@pytest.mark.parametrize(
    "branches",
    [
        Branches(6, 6, (3, 3, 3, 3, 1), groups=6),
        Branches(6, 6, (3, 1), stride=2, groups=6),
        Branches(4, 8, (1, 1)),
        Branches(8, 8, (1,)),
        Branches(4, 8, (7, 3), stride=2, groups=4),
        Branches(8, 8, (5, 1), groups=2),
    ],
    ids=["depthwise", "stride", "pointwise", "pointwise with input", "large", "groups"],
)
@torch.no_grad()
def test_one_convolution_does_what_all_branches_do(branches):
    x = torch.randn(2, branches.filters[0][0].in_channels, 9, 12)
    conv = moved(branches).fuse()
    assert isinstance(conv, nn.Conv2d)
    torch.testing.assert_close(conv(x), branches(x), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_an_excited_block_keeps_its_excitation_when_fused():
    block = moved(Block(32, 48, stride=2, overload=2, excited=True))
    x = torch.randn(1, 32, 8, 8)
    before = block(x)
    torch.testing.assert_close(fused(block)(x), before, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_unit_filter_gives_back_its_input():
    x = torch.randn(1, 6, 5, 5)
    weight = unit(torch.empty(6, 2, 3, 3))
    assert torch.equal(nn.functional.conv2d(x, weight, padding=1, groups=3), x)


def test_the_deployed_trunk_is_as_small_as_the_paper_says():
    deployed = ZOO["mobileone"].build().deploy()
    classifier = 1024 * 1000 + 1000
    assert sum(p.numel() for p in deployed.trunk.parameters()) == 2_078_504 - classifier
