"""FastViT: mixing tokens is one depthwise filter."""

import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.fastvit import RepMixer, Trunk


@torch.no_grad()
def test_a_fused_mixer_is_one_depthwise_filter():
    torch.manual_seed(0)
    mixer = RepMixer(6)
    mixer.scale.uniform_(-1, 1)
    for m in mixer.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
            nn.init.uniform_(m.weight, -2, 2)
            nn.init.normal_(m.bias)
    x = torch.randn(2, 6, 9, 7)
    conv = mixer.eval().fuse()
    assert conv.weight.shape == (6, 1, 3, 3)
    torch.testing.assert_close(conv(x), mixer(x), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_fresh_mixer_hardly_mixes():
    x = torch.randn(1, 6, 8, 8)
    torch.testing.assert_close(RepMixer(6).eval()(x), x, rtol=0, atol=1e-3)


def test_maps_halve_from_stage_to_stage():
    with torch.device("meta"):
        trunk = Trunk()
        shapes = [tuple(x.shape[1:]) for x in trunk(torch.empty(1, 3, 64, 96))]
    assert shapes == [(48, 32, 48), (48, 16, 24), (96, 8, 12), (192, 4, 6), (384, 2, 3)]
    assert trunk.channels == [c for c, _, _ in shapes]


def test_the_phone_runs_plain_convolutions():
    deployed = ZOO["fastvit"].build().deploy()
    branches = [m for m in deployed.trunk.modules() if hasattr(m, "fuse")]
    assert branches == []
