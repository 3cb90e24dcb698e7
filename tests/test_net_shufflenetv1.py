"""ShuffleNet: groups that hear each other."""

import torch
from torch.nn import functional as F

from fastportrait.nets.shufflenetv1 import Branch, Down, Trunk


def heard(branch, channel):
    """The input channels on which an output channel of `branch` depends."""
    x = torch.randn(1, 12, 6, 6, requires_grad=True)
    branch(x)[:, channel].sum().backward()
    return {c for c in range(12) if x.grad[0, c].abs().sum() > 0}


def test_the_shuffle_lets_every_group_hear_every_other():
    torch.manual_seed(0)
    branch = Branch(12, 9, 12, stride=1, groups=3, first=3).eval()
    branch.reduce[2] = torch.nn.Identity()  # or an inactive ReLU would hide what is heard
    assert heard(branch, 0) == set(range(12))
    branch.groups = 1  # no shuffle: the first group of four hears itself alone
    assert heard(branch, 0) == {0, 1, 2, 3}


def test_a_downsampling_unit_keeps_its_averaged_input_beside_what_it_filters():
    torch.manual_seed(0)
    x = torch.rand(1, 24, 8, 8)
    y = Down(24, 240, groups=3, first=1).eval()(x)
    assert y.shape == (1, 240, 4, 4)
    torch.testing.assert_close(y[:, :24], F.avg_pool2d(x, 3, 2, padding=1))


def test_only_the_first_pointwise_convolution_is_not_grouped():
    with torch.device("meta"):
        trunk = Trunk(groups=8)
    groups = [unit.branch.reduce[0].groups for stage in trunk.stages for unit in stage]
    assert groups == [1] + [8] * 15
    assert {unit.branch.expand[0].groups for stage in trunk.stages for unit in stage} == {8}


def test_the_trunk_gives_one_map_a_stride():
    features = Trunk()(torch.rand(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (24, 32, 48), (24, 16, 24), (240, 8, 12), (480, 4, 6), (960, 2, 3)
    ]  # fmt: skip
