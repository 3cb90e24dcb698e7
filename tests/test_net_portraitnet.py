"""PortraitNet: its own MobileNetV2, its decoder, and how the authors' weights come over."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fastportrait.nets.blocks import person
from fastportrait.nets.card import Macs, measure
from fastportrait.nets.portraitnet import (
    PUBLISHED,
    PortraitNet,
    Segmentation,
    bilinear,
    from_authors,
    grouped_deconvolution,
)


def as_the_authors_feed_it(image):
    """RGB in [0, 1] -> BGR in [0, 255], minus their mean, times their factor."""
    return (255 * image.flip(1) - torch.tensor([103.94, 116.78, 123.68]).view(3, 1, 1)) * 0.017


def moved(net):
    """With running statistics that are not trivial."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 1.5)
    return net.eval()


def test_the_normalisation_is_the_authors_with_channels_turned_round():
    image = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(PortraitNet().normalise(image), as_the_authors_feed_it(image).flip(1))


def test_weights_for_bgr_give_the_same_mask_from_rgb_once_the_first_filters_are_flipped():
    torch.manual_seed(0)
    theirs, ours = moved(Segmentation()), PortraitNet().eval()
    state = theirs.state_dict()
    first = "trunk.stages.0.0.0.weight"
    ours.load_state_dict(
        state
        | {first: state[first].flip(1)}
        | {name: value for name, value in ours.state_dict().items() if name.startswith("helpers.")}
    )
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = person(theirs(as_the_authors_feed_it(image)))
        torch.testing.assert_close(ours(image), expected, rtol=1e-4, atol=1e-4)


def authors_names():
    """Names and shapes of the authors' published checkpoints, from their layout."""
    shapes = {}

    def conv(at, c_in, c_out, kernel, groups=1):
        shapes[f"{at}.weight"] = (c_out, c_in // groups, kernel, kernel)

    def norm(at, c):
        shapes.update({f"{at}.{leaf}": (c,) for leaf in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{at}.num_batches_tracked"] = ()

    conv("stage0.0", 3, 32, 3)
    norm("stage0.1", 32)
    rows = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
    c_in = 32
    for row, (t, c, n) in enumerate(rows, start=1):
        for i in range(n):
            at = f"stage{row}.{i}.conv" if n > 1 else f"stage{row}.conv"
            mid = c_in * t
            conv(f"{at}.0", c_in, mid, 1)
            norm(f"{at}.1", mid)
            conv(f"{at}.3", mid, mid, 3, groups=mid)
            norm(f"{at}.4", mid)
            conv(f"{at}.6", mid, c, 1)
            norm(f"{at}.7", c)
            c_in = c
    for i, (c_in, c) in enumerate(((320, 96), (96, 32), (32, 24), (24, 16), (16, 8)), start=1):
        at = f"transit{i}"
        conv(f"{at}.block.0.0", c_in, c_in, 3, groups=c_in)
        norm(f"{at}.block.0.1", c_in)
        conv(f"{at}.block.0.3", c_in, c, 1)
        norm(f"{at}.block.0.4", c)
        conv(f"{at}.block.1", c, c, 3, groups=c)
        norm(f"{at}.block.2", c)
        conv(f"{at}.block.4", c, c, 1)
        norm(f"{at}.block.5", c)
        conv(f"{at}.residual.0", c_in, c, 1)
        norm(f"{at}.residual.1", c)
        conv(f"deconv{i}", c, c, 4)
    conv("pred", 8, 2, 3)
    conv("edge", 8, 2, 3)
    return shapes


def test_the_authors_checkpoint_fills_every_layer():
    torch.manual_seed(0)
    theirs = {name: torch.rand(shape) for name, shape in authors_names().items()}
    ours = from_authors(theirs)
    wanted = {name: v.shape for name, v in PortraitNet().state_dict().items() if "num_batches" not in name}
    assert {name: value.shape for name, value in ours.items()} == wanted
    assert torch.equal(ours["trunk.stages.0.0.0.weight"], theirs["stage0.0.weight"].flip(1))
    assert torch.equal(ours["trunk.stages.3.4.body.1.0.weight"], theirs["stage5.0.conv.3.weight"])
    assert torch.equal(ours["decoder.transitions.1.body.0.1.0.weight"], theirs["transit2.block.0.3.weight"])
    with pytest.raises(ValueError, match=r"'stage8\.0\.weight' is no layer"):
        from_authors({"stage8.0.weight": torch.zeros(1)})


def test_the_trunk_expands_even_where_the_factor_is_one_and_never_clips_at_six():
    net = PortraitNet()
    first = net.trunk.stages[0][1].body
    assert [tuple(layer[0].weight.shape) for layer in first] == [
        (32, 32, 1, 1),
        (32, 1, 3, 3),
        (16, 32, 1, 1),
    ]
    assert not [m for m in net.modules() if isinstance(m, nn.ReLU6)]


def test_the_trunk_gives_five_strides():
    with torch.device("meta"):
        features = PortraitNet().trunk(torch.empty(1, 3, 64, 64))
    assert [tuple(f.shape[1:]) for f in features] == [
        (16, 32, 32), (24, 16, 16), (32, 8, 8), (96, 4, 4), (320, 2, 2),
    ]  # fmt: skip


def test_held_at_bilinear_filters_a_grouped_deconvolution_is_a_bilinear_resize_but_at_the_border():
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    up = grouped_deconvolution(5)
    with torch.no_grad():
        up.weight.copy_(torch.outer(line, line).expand(5, 1, 4, 4))
    x = torch.rand(1, 5, 8, 8)
    torch.testing.assert_close(up(x)[:, :, 2:-2, 2:-2], bilinear(5)(x)[:, :, 2:-2, 2:-2])
    assert not torch.allclose(up(x), bilinear(5)(x))  # zeros lie outside, where the resize repeats the edge
    assert torch.allclose(bilinear(5)(x), F.interpolate(x, scale_factor=2, mode="bilinear"))


def test_the_edge_head_costs_seven_million_in_training_and_nothing_on_a_phone():
    with torch.device("meta"):
        net, image = PortraitNet(), torch.empty(1, 3, 224, 224)
    with Macs() as macs, torch.no_grad():
        outputs = net.outputs(image)
    assert macs.total == pytest.approx(368.5e6, rel=1e-3)
    assert outputs["edge_s1"].shape == outputs["mask"].shape == (1, 1, 224, 224)
    assert measure(PortraitNet, (224, 224)).macs == pytest.approx(361.2e6, rel=1e-3)


def test_the_rounded_counts_of_the_variants():
    counts = {row.name: measure(row.build, (224, 224), row.image[0]).params for row in PUBLISHED}
    assert round(counts["portraitnet-grouped"], -3) == 1_905_000
    assert round(counts["portraitnet-bilinear"], -3) == 1_903_000
    assert (
        counts["portraitnet-prior"] - counts["portraitnet"] == 32 * 9
    )  # one more input of the first filters
