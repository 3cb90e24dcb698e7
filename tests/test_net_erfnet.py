"""ERFNet: factorised filters, and an encoder that is trained first."""

from functools import partial

import pytest
import torch

from fastportrait.nets import ZOO
from fastportrait.nets.card import measure
from fastportrait.nets.erfnet import Downsampler, Encoder, ERFNet, NonBottleneck1D, Upsampler
from fastportrait.nets.weights import About, save, start_from
from zoo import settled


def test_the_encoder_ends_at_stride_8_and_the_decoder_at_the_image():
    with torch.device("meta"):
        image = torch.empty(1, 3, 64, 96)
        assert Downsampler(3, 16)(image).shape == (1, 16, 32, 48)
        assert Encoder()(image).shape == (1, 128, 8, 12)
        assert Upsampler(128, 64)(torch.empty(1, 128, 8, 12)).shape == (1, 64, 16, 24)


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_a_pixel_reaches_as_far_as_two_square_filters_would_carry_it(dilation):
    block = NonBottleneck1D(1, dilation=dilation).eval()
    for p in block.parameters():
        torch.nn.init.constant_(p, 0.5)
    grid = torch.zeros(1, 1, 15, 15)
    with torch.no_grad():
        empty = block(grid)
        grid[0, 0, 7, 7] = 1
        rows, columns = (block(grid) - empty)[0, 0].abs().gt(1e-6).nonzero().T
    reach = 1 + dilation
    assert (rows.min(), rows.max()) == (7 - reach, 7 + reach)
    assert (columns.min(), columns.max()) == (7 - reach, 7 + reach)


def test_without_its_filters_a_block_leaves_a_feature_as_it_is():
    block = NonBottleneck1D(4).eval()
    torch.nn.init.zeros_(block.body[-2].weight)
    x = torch.rand(1, 4, 8, 8)
    torch.testing.assert_close(block(x), x)


def test_the_downsampler_keeps_what_it_pools_beside_what_it_filters():
    block = Downsampler(3, 16).eval()
    x = torch.rand(1, 3, 8, 8)
    pooled = torch.nn.functional.max_pool2d(x, 2)
    torch.testing.assert_close(block(x)[:, 13:], pooled, rtol=1e-3, atol=1e-3)


def test_the_second_stage_starts_from_the_encoder_of_the_first(tmp_path):
    first = settled(ZOO["erfnet-encoder"])
    save(first, About("erfnet-encoder", (256, 256)), tmp_path / "erfnet-encoder.safetensors")
    second = ERFNet().eval()
    filled = start_from(second, "erfnet", tmp_path / "erfnet-encoder.safetensors")
    assert set(filled) == {name for name in second.state_dict() if name.startswith("trunk.")}
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(second.trunk(image), first.trunk(image))


def test_the_first_stages_mask_is_its_coarse_logit_enlarged():
    net = settled(ZOO["erfnet-encoder"])
    torch.nn.init.zeros_(net.classifier.weight)
    with torch.no_grad():
        net.classifier.bias.copy_(torch.tensor([1.0, 4.0]))
        torch.testing.assert_close(net(torch.rand(1, 3, 16, 24)), torch.full((1, 1, 16, 24), 3.0))


def test_half_the_width_costs_a_quarter():
    whole, half = (measure(partial(ERFNet, widths), (256, 256)) for widths in ((16, 64, 128), (8, 32, 64)))
    assert half.params == pytest.approx(0.519e6, rel=1e-3)
    assert half.macs == pytest.approx(whole.macs / 4, rel=0.01)
