"""Fast-SCNN and BiSeNetV2: two branches for the two questions of segmentation."""

import pytest
import torch

from fastportrait.nets import ZOO, bisenetv2, fastscnn
from fastportrait.nets.card import measure


def millions(build, helpers=False):
    return round(measure(build, (256, 256), helpers=helpers).params / 1e6, 3)


def test_the_counts_that_are_known_to_three_digits_are_met():
    assert millions(fastscnn.Cityscapes) == 1.138
    assert millions(bisenetv2.Cityscapes) == 3.359
    assert millions(bisenetv2.Cityscapes, helpers=True) == 5.231


@torch.no_grad()
def test_a_pyramid_of_one_bin_sees_the_whole_picture_everywhere():
    torch.manual_seed(0)
    pyramid = fastscnn.Pyramid(bins=(1,)).eval()
    x = torch.rand(1, 128, 8, 8)
    other = x.clone()
    other[..., 7, 7] += 1
    assert ((pyramid(x) - pyramid(other)).abs().amax(dim=1) > 0).all()


@torch.no_grad()
def test_the_bins_of_the_portrait_network_divide_its_map():
    net = ZOO["fastscnn"].build().eval()
    side = net.multiple // 32
    assert all(side % b == 0 for b in net.body.deep[-1].bins)


@torch.no_grad()
def test_helpers_look_where_their_papers_put_them():
    image = torch.rand(1, 3, 128, 128)
    sizes = {
        name: tuple(out.shape[2:]) for name, out in ZOO["fastscnn"].build().eval().outputs(image).items()
    }
    assert sizes == {"mask": (128, 128), "mask_shallow": (16, 16), "mask_deep": (4, 4)}
    outputs = ZOO["bisenetv2"].build().eval().outputs(image)
    assert {name: out.shape[-1] for name, out in outputs.items()} == {
        "mask": 128, "mask_s4": 64, "mask_s8": 32, "mask_s16": 16, "mask_s32": 8,
    }  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
@torch.no_grad()
def test_gather_and_expansion_keeps_or_halves_the_map(stride):
    block = bisenetv2.GatherExpand(16, 16 * stride, stride).eval()
    assert block(torch.rand(1, 16, 8, 12)).shape == (1, 16 * stride, 8 // stride, 12 // stride)


@torch.no_grad()
def test_each_branch_can_shut_the_others_gate():
    torch.manual_seed(0)
    layer = bisenetv2.Aggregation().eval()
    a, b = torch.rand(2, 1, 128, 16, 16).unbind()
    layer.meaning[1].weight.zero_()  # sigmoid(0): half of the coarse way stays open
    layer.meaning_up[1].weight.zero_()
    layer.meaning_up[1].bias.fill_(-200)
    layer.detail_down[0][1].weight.zero_()
    meaning = torch.rand(1, 128, 4, 4)
    torch.testing.assert_close(layer(a, meaning), layer(b, meaning))
