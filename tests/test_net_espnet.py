"""ESPNet: the pyramid of dilations, its merging, and a decoder whose width is a number of its own."""

from functools import partial

import pytest
import torch

from fastportrait.nets import ZOO
from fastportrait.nets.card import measure
from fastportrait.nets.espnet import CHANNELS, DILATIONS, ESP, DownESP, Encoder, ESPNet, Segmentation
from fastportrait.nets.weights import About, save, start_from
from zoo import settled


def test_the_encoder_gives_three_strides_and_each_holds_the_picture_or_its_first_block():
    with torch.device("meta"):
        features = Encoder(2, 3)(torch.empty(1, 3, 64, 96))
    assert [f.shape[1:] for f in features] == [(19, 32, 48), (131, 16, 24), (256, 8, 12)]
    assert tuple(f.shape[1] for f in features) == CHANNELS


def test_the_channels_that_do_not_divide_by_five_go_to_the_nearest_filter():
    assert [conv.out_channels for conv in ESP(64, 64).filters] == [16, 12, 12, 12, 12]
    assert [conv.out_channels for conv in DownESP(131, 128).filters] == [28, 25, 25, 25, 25]


@pytest.mark.parametrize("silenced", range(5))
def test_wider_filters_add_up_and_the_nearest_stands_by_itself(silenced):
    torch.manual_seed(0)
    block = ESP(10, 10, residual=False).eval()
    x = torch.rand(1, 10, 12, 12)
    with torch.no_grad():
        before = block(x)
        torch.nn.init.zeros_(block.filters[silenced].weight)
        changed = [
            not torch.equal(a, b) for a, b in zip(block(x).split(2, 1), before.split(2, 1), strict=True)
        ]
    assert changed == [silenced == 0, *(0 < silenced <= i for i in (1, 2, 3, 4))]


def test_a_pixel_reaches_as_far_as_the_largest_dilation():
    torch.manual_seed(0)
    block = ESP(5, 5, residual=False).eval()
    grid = torch.zeros(1, 5, 41, 41)
    grid[:, :, 20, 20] = 1
    rows, columns = block(grid).abs().sum((0, 1)).nonzero().T
    reach = max(DILATIONS)
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (20 - reach, 20 + reach)


def test_the_zeros_around_the_picture_count_when_it_is_shrunk():
    ones = Encoder(1, 1).shrink(torch.ones(1, 1, 8, 8))[0, 0]
    assert ones[0, 0] == pytest.approx(4 / 9)
    assert ones[0, 1] == pytest.approx(6 / 9)
    assert (ones[1:, 1:] == 1).all()


def test_a_decoder_as_wide_as_two_classes_is_refused():
    with pytest.raises(ValueError, match="ESP block of 2 channels has none for each of its 5 filters"):
        Segmentation(2, 8, classes=2, width=2)


@pytest.mark.parametrize(
    ("q", "width", "params", "macs"),
    [(8, 5, 347_724, 452e6), (8, 10, 352_079, 484e6), (8, 20, 363_669, 574e6), (3, 5, 185_804, 288e6)],
)
def test_with_a_width_of_its_own_the_decoder_counts_as_measured_on_the_authors_code(q, width, params, macs):
    cost = measure(partial(ESPNet, q=q, width=width), (256, 256))
    assert cost.params == params
    assert cost.macs == pytest.approx(macs, rel=2e-3)


def test_the_second_stage_starts_from_the_encoder_of_the_first(tmp_path):
    first = settled(ZOO["espnet-encoder"])
    save(first, About("espnet-encoder", (256, 256)), tmp_path / "espnet-encoder.safetensors")
    second = ESPNet(q=8).eval()
    filled = start_from(second, "espnet", tmp_path / "espnet-encoder.safetensors")
    assert set(filled) == {name for name in second.state_dict() if name.startswith("trunk.")}
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        for ours, theirs in zip(second.trunk(image), first.trunk(image), strict=True):
            assert torch.equal(ours, theirs)
