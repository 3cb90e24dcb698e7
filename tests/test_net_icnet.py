"""ICNet: three resolutions, a pyramid without filters, guidance that only training sees."""

import pytest
import torch
from torch.nn import functional as F

from fastportrait.nets import ZOO
from fastportrait.nets.blocks import resize_to
from fastportrait.nets.card import measure
from fastportrait.nets.icnet import Bottleneck, Cascade, ICNet, PyramidPooling


def test_the_cascade_ends_at_strides_4_8_and_16():
    with torch.device("meta"):
        features = Cascade((1, 2, 4, 8))(torch.empty(1, 3, 512, 256))
    assert [f.shape[1:] for f in features] == [(128, 128, 64), (128, 64, 32), (256, 32, 16)]


def test_each_branch_sees_its_own_resolution():
    with torch.device("meta"):
        net = Cascade((1, 2, 4, 8))
        image = torch.empty(1, 3, 256, 256)
        sub2 = net.sub2(F.avg_pool2d(image, 2))
        assert net.sub1(image).shape == (1, 64, 32, 32)
        assert sub2.shape == (1, 256, 16, 16)
        assert net.sub4(F.avg_pool2d(sub2, 2)).shape == (1, 256, 8, 8)


def test_a_bottleneck_strides_before_it_filters():
    block = Bottleneck(128, 64, stride=2)
    assert [layer[0].stride for layer in block.body] == [(2, 2), (1, 1), (1, 1)]


def test_bins_that_divide_the_map_are_its_exact_means():
    torch.manual_seed(0)
    x = torch.rand(1, 2, 16, 8)
    expected = x + sum(resize_to(F.adaptive_avg_pool2d(x, n), x.shape[2:]) for n in (1, 2, 4, 8))
    torch.testing.assert_close(PyramidPooling((1, 2, 4, 8))(x), expected)


@pytest.mark.parametrize("bins", [(1, 2, 4, 8), (1, 2, 3, 6)])
def test_the_pyramid_is_a_sum_so_a_flat_map_comes_back_five_times(bins):
    torch.testing.assert_close(
        PyramidPooling(bins)(torch.ones(1, 1, 32, 64)), torch.full((1, 1, 32, 64), 5.0)
    )


def test_means_of_four_pixels_are_a_bilinear_resize_by_half():
    x = torch.rand(1, 3, 32, 64)
    half = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
    torch.testing.assert_close(F.avg_pool2d(x, 2), half)


def test_guidance_is_given_at_strides_8_and_16_and_stays_at_home():
    with torch.device("meta"):
        net, image = ZOO["icnet"].build(), torch.empty(2, 3, 512, 512)
        outputs = net.outputs(image)
        deployed = net.deploy()
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "mask": (2, 1, 512, 512),
        "mask_s8": (2, 1, 64, 64),
        "mask_s16": (2, 1, 32, 32),
    }
    assert not [name for name in deployed.state_dict() if "helpers" in name]


def test_the_portrait_network_costs_at_256_what_was_measured_before():
    cost = measure(ICNet, (256, 256))
    assert cost.params == pytest.approx(6.698e6, rel=1e-3)
    assert cost.macs == pytest.approx(898e6, rel=1e-3)
