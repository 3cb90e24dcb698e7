"""The heads that turn a classifier's trunk into a mask."""

from functools import partial

import pytest
import torch
from torch import nn

from fastportrait.nets import mobilenetv1, mobilenetv2
from fastportrait.nets.card import measure
from fastportrait.nets.heads import LRASPP, LiteASPP, SeparableUNet


class UNet(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk()
        self.head = SeparableUNet(self.trunk.channels)

    def forward(self, x):
        return self.head(self.trunk(x))


@pytest.mark.parametrize(
    ("trunk", "params", "macs_256", "macs_224"),
    [
        (mobilenetv1.Trunk, 3_353_034, 912, 698),
        (mobilenetv2.Trunk, 1_854_402, 458, 351),
        (partial(mobilenetv2.Trunk, width=0.5), 505_842, 194, 149),
    ],
    ids=["mobilenetv1", "mobilenetv2", "mobilenetv2-0.5"],
)
def test_a_separable_unet_costs_what_the_survey_says(trunk, params, macs_256, macs_224):
    for side, macs in ((256, macs_256), (224, macs_224)):
        cost = measure(partial(UNet, trunk), (side, side))
        assert (cost.params, round(cost.macs / 1e6)) == (params, macs)


def maps(channels, side):
    """One random map a stride: (1, c, side / 2, side / 2), (1, c, side / 4, side / 4), ..."""
    return [torch.rand(1, c, side >> i, side >> i) for i, c in enumerate(channels, start=1)]


def test_a_separable_unet_hears_every_map_and_ends_at_the_images_size():
    torch.manual_seed(0)
    head = SeparableUNet([3, 4, 5], widths=(8, 8, 8), classes=7).eval()
    features = maps([3, 4, 5], 32)
    scores = head(features)
    assert scores.shape == (1, 7, 32, 32)
    for i in range(3):
        changed = [f + (i == j) for j, f in enumerate(features)]
        assert not torch.allclose(head(changed), scores)
    assert [f.shape[1] for f in features] == [3, 4, 5], "the caller's list stays as it was"


def test_as_many_steps_as_maps():
    with pytest.raises(ValueError, match="zip"):
        SeparableUNet([3, 4, 5], widths=(8, 8))


def test_lite_aspp_sees_one_place_and_the_whole_and_nothing_between():
    torch.manual_seed(0)
    head = LiteASPP(6, classes=3, width=8).eval()
    x = torch.rand(1, 6, 4, 5)
    scores = head(x)
    torch.testing.assert_close(head(x.flip(3)), scores.flip(3))  # no filter is wider than a place
    x[..., 0, 0] += 1
    assert not torch.isclose(head(x), scores)[:, :, 3, 4].all()  # the far corner hears of it, by the mean


def test_lite_aspp_is_the_mobilenetv2_papers():
    # 1x1 to 256 twice, 512 -> 256, 256 -> 21, their norms, one bias: table 7's 2.11 M less the trunk.
    counted = 2 * 320 * 256 + 512 * 256 + 3 * 2 * 256 + 257 * 21
    assert sum(p.numel() for p in LiteASPP(320, classes=21).parameters()) == counted


def test_lraspp_has_the_parameters_of_torchvisions():
    # lraspp_mobilenet_v3_large with 21 classes has 3,221,538, its trunk (40 and 960 channels) 2,971,952.
    assert sum(p.numel() for p in LRASPP(40, 960, classes=21).parameters()) == 3_221_538 - 2_971_952


def test_lraspp_with_a_closed_gate_has_the_fine_scores_only():
    torch.manual_seed(0)
    head = LRASPP(4, 6, width=8).eval()
    fine, coarse = torch.rand(1, 4, 8, 8), torch.rand(1, 6, 4, 4)
    both = head(fine, coarse)
    with torch.no_grad():
        head.gate.weight.fill_(-1000)
    alone = head(fine, coarse)
    assert alone.shape == (1, 2, 8, 8)
    torch.testing.assert_close(alone, head.score_fine(fine) + head.score.bias[:, None, None])
    assert not torch.allclose(both, alone)
