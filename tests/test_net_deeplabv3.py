from functools import partial

import pytest
import torch
from torch import nn

from fastportrait.nets import resnet
from fastportrait.nets.blocks import resize_to
from fastportrait.nets.deeplabv3 import ASPP, DeepLabv3, enlarge, mobilenet, resnet50
from fastportrait.nets.deeplabv3plus import AtrousSeparable, Decoder, DeepLabv3Plus, xception65
from fastportrait.nets.weights import About, save, start_from


@pytest.mark.parametrize("trunk", [resnet50, mobilenet], ids=lambda trunk: trunk.__name__)
@pytest.mark.parametrize("build", [DeepLabv3, DeepLabv3Plus])
def test_the_output_stride_changes_strides_and_rates_and_nothing_else(build, trunk):
    with torch.device("meta"):
        at16, at8 = build(trunk), build(trunk, output_stride=8)
        image = torch.empty(1, 3, 64, 96)
        assert at16.eval()(image).shape == at8.eval()(image).shape == (1, 1, 64, 96)
        assert at16.trunk(image)[-1].shape[2:] == (4, 6)
        assert at8.trunk(image)[-1].shape[2:] == (8, 12)
    shapes = [{name: v.shape for name, v in net.state_dict().items()} for net in (at16, at8)]
    assert shapes[0] == shapes[1]
    changed = set()
    for a, b in zip(at16.modules(), at8.modules(), strict=True):
        assert type(a) is type(b)
        if isinstance(a, nn.Conv2d):
            there = vars(b)
            changed |= {k for k, v in vars(a).items() if not k.startswith("_") and v != there[k]}
    assert changed == {"stride", "dilation", "padding"}


def test_rates_double_where_the_stride_halves():
    with torch.device("meta"):
        rates = {
            stride: [
                branch[0].dilation[0] for branch in DeepLabv3(mobilenet, output_stride=stride).aspp.around
            ]
            for stride in (16, 8)
        }
    assert rates == {16: [6, 12, 18], 8: [12, 24, 36]}


def test_os8_goes_on_from_all_of_os16(tmp_path):
    at16, at8 = DeepLabv3(mobilenet), DeepLabv3(mobilenet, output_stride=8)
    save(at16, About("at16", (64, 64)), tmp_path / "w.safetensors")
    assert set(start_from(at8, "at8", tmp_path / "w.safetensors")) == set(at16.state_dict())
    assert torch.equal(at8.score.weight, at16.score.weight)


def test_a_network_with_another_head_still_takes_the_trunk_alone(tmp_path):
    save(DeepLabv3(mobilenet), About("at16", (64, 64)), tmp_path / "w.safetensors")
    filled = start_from(DeepLabv3(mobilenet, classes=3), "other", tmp_path / "w.safetensors")
    assert {name.split(".")[0] for name in filled} == {"trunk"}


@pytest.mark.parametrize("rate", [3, 6])
def test_a_rate_is_the_distance_between_taps(rate):
    aspp = ASPP(1, (rate,), width=1)
    conv = aspp.around[0][0]
    nn.init.ones_(conv.weight)
    point = torch.zeros(1, 1, 15, 15)
    point[..., 7, 7] = 1
    hit = conv(point)[0, 0].nonzero().tolist()
    assert hit == [[7 + dy, 7 + dx] for dy in (-rate, 0, rate) for dx in (-rate, 0, rate)]


def test_a_pooled_map_is_spread_as_a_resize_would_spread_it():
    pooled = torch.rand(2, 3, 1, 1)
    torch.testing.assert_close(pooled.expand(-1, -1, 4, 6), resize_to(pooled, (4, 6)))


def test_enlarging_by_a_factor_is_resizing():
    x = torch.rand(1, 2, 4, 6)
    torch.testing.assert_close(enlarge(x, torch.Size((64, 96))), resize_to(x, (64, 96)))
    assert enlarge(x, torch.Size((49, 81))).shape == (1, 2, 49, 81)


@pytest.mark.parametrize("build", [partial(DeepLabv3, resnet50), partial(DeepLabv3Plus, xception65)])
def test_the_papers_odd_crop_comes_out_at_its_size(build):
    with torch.device("meta"):
        assert build(classes=21).eval()(torch.empty(1, 3, 513, 513)).shape == (1, 20, 513, 513)


def test_the_decoder_sees_48_channels_of_stride_4_beside_the_pyramid():
    with torch.device("meta"):
        net = DeepLabv3Plus(xception65)
        fine = net.trunk(torch.empty(1, 3, 64, 64))[1]
    assert fine.shape == (1, 256, 16, 16)  # the entry flow's second module, before its stride
    assert net.decoder.fine[0].weight.shape == (48, 256, 1, 1)
    assert net.decoder.filters[0][0][0].in_channels == 48 + 256


def test_the_decoder_puts_the_fine_map_beside_the_enlarged_coarse_one():
    torch.manual_seed(0)
    decoder = Decoder(6, 5, classes=2, filters=AtrousSeparable, width=8, narrow=4).eval()
    fine, coarse = torch.rand(1, 6, 16, 16), torch.rand(1, 5, 4, 4)
    scores = decoder(fine, coarse)
    assert scores.shape == (1, 2, 16, 16)
    assert not torch.equal(scores, decoder(torch.zeros_like(fine), coarse))
    assert not torch.equal(scores, decoder(fine, torch.zeros_like(coarse)))


def test_the_portrait_trunk_is_the_classifiers():
    with torch.device("meta"):
        names = {f"trunk.{name}" for name in resnet50(16).state_dict()}
        classifier = set(resnet.ResNet().state_dict())
    assert names == {name for name in classifier if name.startswith("trunk.")}
