import torch
from torch import nn

from fastportrait.losses import helper
from fastportrait.nets.dfn import CAB, RRB, Border, Smooth, lite


def test_the_border_network_is_as_small_as_published():
    with torch.device("meta"):
        border = Border([256, 512, 1024, 2048])
    assert sum(p.numel() for p in border.parameters()) == 152_944


def test_channel_attention_weighs_by_the_pool_of_both_maps():
    torch.manual_seed(0)
    cab = CAB(4)
    fine, coarse = torch.rand(2, 4, 6, 6), torch.rand(2, 4, 6, 6)
    weight = cab.weigh(torch.cat([fine, coarse], dim=1).mean((2, 3), keepdim=True))
    torch.testing.assert_close(cab(fine, coarse), fine * weight + coarse)
    assert weight.shape == (2, 4, 1, 1)


def test_channel_attention_can_shut_the_fine_map_out():
    cab = CAB(4)
    nn.init.zeros_(cab.weigh[2].weight)
    nn.init.constant_(cab.weigh[2].bias, -200.0)
    fine, coarse = torch.rand(1, 4, 6, 6), torch.rand(1, 4, 6, 6)
    assert torch.equal(cab(fine, coarse), coarse)


def test_a_refinement_block_whose_filters_are_zero_only_changes_the_channels():
    block = RRB(3, 5)
    nn.init.zeros_(block.body[1].weight)
    x = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(block(x), block.unify(x).relu())


def test_the_smooth_network_goes_from_coarse_to_fine():
    torch.manual_seed(0)
    smooth = Smooth([4, 6, 8, 10], width=5).eval()
    features = [torch.rand(1, c, 32 >> i, 32 >> i) for i, c in enumerate((4, 6, 8, 10))]
    maps = smooth(features)
    assert [tuple(m.shape[1:]) for m in maps] == [(5, 32, 32), (5, 16, 16), (5, 8, 8), (5, 4, 4)]
    other = smooth([torch.zeros_like(features[0]), *features[1:]])
    assert not torch.equal(other[0], maps[0])
    assert all(torch.equal(a, b) for a, b in zip(other[1:], maps[1:], strict=True))


def test_the_border_network_goes_from_fine_to_coarse():
    torch.manual_seed(0)
    border = Border([4, 6, 8, 10]).eval()
    features = [torch.rand(1, c, 32 >> i, 32 >> i) for i, c in enumerate((4, 6, 8, 10))]
    edges = border(features)
    assert [tuple(e.shape) for e in edges] == [(1, 1, 32, 32)] * 4
    other = border([*features[:3], torch.zeros_like(features[3])])
    assert not torch.equal(other[3], edges[3])
    assert all(torch.equal(a, b) for a, b in zip(other[:3], edges[:3], strict=True))


def test_training_sees_three_coarse_masks_and_four_edges():
    net = lite()
    outputs = net.outputs(torch.rand(2, 3, 64, 64))
    assert {name: tuple(out.shape[2:]) for name, out in outputs.items()} == {
        "mask": (64, 64),
        "mask_stage3": (8, 8), "mask_stage4": (4, 4), "mask_stage5": (2, 2),
        "edge_stage2": (16, 16), "edge_stage3": (16, 16), "edge_stage4": (16, 16), "edge_stage5": (16, 16),
    }  # fmt: skip
    target = torch.zeros(2, 1, 64, 64)
    target[..., 16:, 16:48] = 1
    for name, out in outputs.items():
        if name != "mask":
            assert helper(name, out, target, torch.ones_like(target)).isfinite()


def test_the_phone_runs_neither_border_nor_coarse_heads():
    net = lite().eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = net(image)
        for p in net.helpers.parameters():
            p.fill_(float("nan"))
        assert torch.equal(net(image), before)
        assert torch.equal(net.outputs(image)["mask"], before)
