"""CondenseNet: what is dropped, when, and that the network for phones is the one that was trained."""

import sys
from functools import partial

import pytest
import torch
from torch import nn

from fastportrait.nets.card import Card, describe
from fastportrait.nets.condensenet import (
    CondensedLayer,
    CondenseNet,
    CondenseUNet,
    DenseLayer,
    Gather,
    LearnedGroupConv,
    Shuffle,
    Trunk,
    condensed_layer,
    condensed_linear,
)
from fastportrait.nets.weights import About, load, save

SMALL = {"layers": (1, 1, 2, 2, 1), "growth": (8, 8, 8, 16, 16)}


def randomise_norms(net):
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
            nn.init.uniform_(norm.running_mean, -0.5, 0.5)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)


def condense_by_training(net, steps=12):
    """Optimiser steps on noise while the training's progress goes from 0 to 1."""
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    for step in range(steps):
        net.train().advance(step / steps)
        outputs = net.outputs(torch.rand(2, 3, 64, 64))
        loss = outputs["mask"].square().mean() + 1e-5 * outputs["cost_lasso"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()


@pytest.mark.parametrize(
    ("condense", "progress", "kept"),
    [
        (4, 0.0, 16), (4, 0.16, 16), (4, 0.17, 12), (4, 0.33, 12), (4, 0.34, 8), (4, 0.49, 8), (4, 0.5, 4),
        (4, 0.99, 4), (8, 0.07, 16), (8, 0.08, 14), (8, 0.5, 2), (2, 0.49, 16), (2, 0.5, 8),
    ],
)  # fmt: skip
def test_a_stage_lasts_half_the_training_over_the_stages(condense, progress, kept):
    conv = LearnedGroupConv(16, 8, condense, groups=4)
    for i in range(100):
        if i / 100 <= progress:
            conv.advance(i / 100)
    assert conv.mask.sum(1).tolist() == [kept] * 4


def test_a_group_drops_the_inputs_with_the_least_weights():
    conv = LearnedGroupConv(4, 4, condense=4, groups=2)
    kernel = [
        [1.0, -5.0, 2.0, 0.1],  # outputs 0 and 2 are the first group: sums 2, 6, 4, 3.1
        [3.0, 3.0, 0.0, 9.0],  # outputs 1 and 3 the second: sums 6, 4, 1, 9
        [-1.0, 1.0, 2.0, 3.0],
        [3.0, -1.0, 1.0, 0.0],
    ]
    conv.weight.data.copy_(torch.tensor(kernel)[:, :, None, None])
    conv.advance(1 / 6)
    assert conv.mask.int().tolist() == [[0, 1, 1, 1], [1, 1, 0, 1]]
    conv.weight.data[:, 0] = 100.0  # what is dropped does not come back, however it grows
    conv.advance(2 / 6)
    assert conv.mask.int().tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]
    x = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 4, 1, 1)
    assert conv(x).flatten().tolist() == [-10.0 + 8.0, 100.0 + 72.0, 2.0 + 8.0, 100.0 + 0.0]


def test_the_lasso_is_the_norm_of_each_groups_weights_on_each_input():
    conv = LearnedGroupConv(2, 4, condense=2, groups=2)
    kernel = torch.tensor([[3.0, 1.0], [5.0, 8.0], [-4.0, 0.0], [12.0, -6.0]])
    conv.weight.data.copy_(kernel[:, :, None, None])
    assert conv.lasso().item() == pytest.approx(5 + 1 + 13 + 10)  # |3 -4|, |1 0|, |5 12|, |8 -6|
    conv.weight.data[0::2, 1] = 0.0
    conv.lasso().backward()
    assert conv.weight.grad.isfinite().all()
    conv.advance(0.5)
    assert conv.lasso() == 0  # all is dropped that ever will be


def test_after_condensation_the_grouped_network_is_the_masked_one():
    torch.manual_seed(0)
    net = condense_by_training(CondenseUNet(**SMALL))
    randomise_norms(net)
    for conv in net.trunk.learned():
        assert conv.mask.sum(1).tolist() == [conv.mask.shape[1] // 4] * 4
    assert len({tuple(row.tolist()) for conv in net.trunk.learned() for row in conv.mask}) > 4
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        deployed = net.deploy()
        torch.testing.assert_close(deployed(image), net(image), rtol=1e-5, atol=1e-5)
        for dense, condensed in zip(net.trunk.blocks, deployed.trunk.blocks, strict=True):
            x = torch.randn(1, dense[0].body[0].num_features, 8, 8)
            torch.testing.assert_close(condensed(x), dense(x), rtol=1e-5, atol=1e-5)
    assert not deployed.trunk.learned()


def test_a_network_that_is_half_condensed_deploys_too():
    torch.manual_seed(0)
    layer = DenseLayer(16, 8)
    layer.body[2].advance(0.34)
    randomise_norms(layer)
    x = torch.randn(1, 16, 5, 5)
    fused = layer.eval().fuse().eval()
    assert fused.body[0].index.shape == (4 * 8,)
    torch.testing.assert_close(fused(x), layer(x), rtol=1e-5, atol=1e-5)


def test_behind_the_shuffle_the_channels_stand_as_they_were_trained():
    assert Shuffle(2)(torch.arange(6.0).view(1, 6, 1, 1)).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    torch.manual_seed(0)
    layer = DenseLayer(16, 8, condense=2, groups=4).eval()
    layer.body[2].advance(0.5)
    randomise_norms(layer)
    x = torch.randn(1, 16, 3, 3)
    before_3x3 = layer.fuse().eval().body[:-1]
    torch.testing.assert_close(before_3x3(x), layer.body[:-1](x), rtol=1e-5, atol=1e-5)


def test_what_is_counted_as_converted_is_what_conversion_makes():
    torch.manual_seed(0)
    for settings in ({"condense": 4, "groups": 4}, {"condense": 8, "groups": 4}):
        trained = DenseLayer(48, 16, **settings)
        trained.body[2].advance(0.9)
        fused, counted = trained.fuse(), condensed_layer(48, 16, **settings)
        assert isinstance(fused, CondensedLayer)
        shapes = [{name: v.shape for name, v in layer.state_dict().items()} for layer in (fused, counted)]
        assert shapes[0] == shapes[1]


def test_the_converted_classifier_reads_the_half_that_weighs_most():
    linear = nn.Linear(4, 2)
    linear.weight.data.copy_(torch.tensor([[1.0, -4.0, 0.5, 2.0], [-1.0, 0.0, 0.5, 2.5]]))
    half = condensed_linear(linear)
    assert isinstance(half[0], Gather)
    assert half[0].index.tolist() == [1, 3]
    x = torch.tensor([[9.0, 1.0, 9.0, 1.0]])
    torch.testing.assert_close(half(x), torch.tensor([[-2.0, 2.5]]) + linear.bias)


def test_a_run_that_goes_on_keeps_what_was_dropped(tmp_path):
    torch.manual_seed(0)
    conv = LearnedGroupConv(16, 8, condense=4, groups=4)
    conv.advance(0.4)
    again = LearnedGroupConv(16, 8, condense=4, groups=4)
    again.load_state_dict(conv.state_dict())
    again.advance(0.4)
    assert torch.equal(again.mask, conv.mask)
    nn.init.normal_(again.weight)
    again.advance(0.2)  # as a second training would, from the start
    assert torch.equal(again.mask, conv.mask)


@pytest.mark.parametrize("half", [False, True])
def test_the_masks_lie_in_the_weights_file(tmp_path, half):
    net = CondenseUNet()
    net.advance(0.9)
    save(net, About("condensenet", (256, 256)), tmp_path / "w.safetensors", half=half)
    again = load(tmp_path / "w.safetensors")[0]
    for conv, conv_again in zip(net.trunk.learned(), again.trunk.learned(), strict=True):
        assert conv_again.mask.dtype == torch.bool
        assert torch.equal(conv.mask, conv_again.mask)


def test_all_features_flow_on():
    with torch.device("meta"):
        features = Trunk()(torch.rand(1, 3, 224, 224))
        cifar = CondenseNet((2, 2, 2), (8, 16, 32), stride=1).trunk(torch.rand(1, 3, 32, 32))
    assert [f.shape[1] for f in features] == [48, 144, 400, 1040, 2064]
    assert [f.shape[2] for f in features] == [112, 56, 28, 14, 7]
    assert [f.shape[2] for f in cifar] == [32, 16, 8]


def test_the_docstring_states_the_size_once_condensed():
    card = Card("condensed", partial(CondenseUNet, layer=condensed_layer), size=(256, 256))
    assert f"once condensed: {describe(card)}" in sys.modules[CondenseUNet.__module__].__doc__
