"""SINet and ExtremeC3Net: the portrait networks of fewer than a hundred thousand parameters."""

import pytest
import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.extremec3net import C3Branch
from fastportrait.nets.sinet import Decoder, Excite, S2Block
from fastportrait.nets.weights import About, save, start_from


def moved(module, seed=0):
    """`module` in evaluation mode, its running statistics and affine maps away from their start."""
    torch.manual_seed(seed)
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
            nn.init.uniform_(m.weight, -2, 2)
            nn.init.normal_(m.bias)
    return module.eval()


@pytest.mark.parametrize("squeeze", [1, 2, 4])
@torch.no_grad()
def test_the_norm_may_stand_before_the_way_back_to_the_larger_map(squeeze):
    block = moved(S2Block(6, kernel=3, squeeze=squeeze))
    x = torch.randn(2, 6, 16, 24)
    torch.testing.assert_close(block.fuse()(x), block(x), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_detail_is_blocked_where_the_coarse_scores_are_sure():
    torch.manual_seed(0)
    decoder = Decoder().eval()
    sure, unsure = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    sure[:, 1] = 50
    a, b = torch.randn(2, 1, 48, 8, 8).unbind()
    assert torch.equal(decoder(a, sure), decoder(b, sure))
    assert not torch.allclose(decoder(a, unsure), decoder(b, unsure))


@torch.no_grad()
def test_the_excitation_may_turn_a_channel_over():
    excite = Excite(2, divide=1)
    excite.dense[0].weight.zero_()
    excite.dense[0].bias.copy_(torch.tensor([3.0, -4.0]))
    x = torch.ones(1, 2, 3, 3)
    assert torch.equal(excite(x)[0, :, 0, 0], torch.tensor([3.0, -1.0]))  # a PReLU starts with a slope of 1/4


@pytest.mark.parametrize("ratio", [2, 3, 5, 8])
@torch.no_grad()
def test_the_strips_fill_the_holes_of_the_dilated_filter(ratio):
    branch = C3Branch(1, 1, ratio).eval()
    for m in branch.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.ones_(m.weight)
    point = torch.zeros(1, 1, 41, 41)
    point[..., 20, 20] = 1
    seen, reach = branch(point)[0, 0] > 0, 2 * ratio - 1
    assert seen[20 - reach : 21 + reach, 20 - reach : 21 + reach].all()
    assert seen.sum() == (2 * reach + 1) ** 2


@pytest.mark.parametrize("name", ["sinet", "extremec3net"])
def test_the_second_stage_starts_from_the_first(name, tmp_path):
    encoder, net = ZOO[f"{name}-encoder"].build(), ZOO[name].build()
    save(encoder, About(f"{name}-encoder", (224, 224)), tmp_path / "e.safetensors")
    filled = start_from(net, name, tmp_path / "e.safetensors")
    assert set(filled) == {key for key in net.state_dict() if key.startswith("trunk.")}
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        ours, theirs = net.eval().trunk(image), encoder.eval().trunk(image)
    torch.testing.assert_close(ours, theirs)
