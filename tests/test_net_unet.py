"""U-Net's own promises."""

import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.unet import Paths, Unpadded


def test_the_sides_shrink_as_in_figure_1():
    sides = []
    with torch.device("meta"):
        net = Paths(1, 2, Unpadded)
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.MaxPool2d):
                layer.register_forward_hook(lambda _, __, out: sides.append(out.shape[-1]))
        scores = net(torch.empty(1, 1, 572, 572))
    down = [570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28]
    up = [56, 54, 52, 104, 102, 100, 200, 198, 196, 392, 390, 388]
    assert sides == [*down, *up, 388]
    assert scores.shape == (1, 2, 388, 388)
    assert sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in net.modules()) == 23  # sec. 2


def test_a_skip_is_cropped_around_its_middle_and_comes_first():
    """With filters that pass only a skip's channel on, the scores are the image's own middle."""
    net = Paths(1, 1, Unpadded, base=1).eval()
    with torch.no_grad():
        for p in net.parameters():
            p.zero_()
        for conv in (net.down[0][0][0], net.down[0][1][0], net.up[-1][0][0], net.up[-1][1][0]):
            conv.weight[0, 0, 1, 1] = (
                1  # the first input channel: of the last two convolutions' pair, the skip
            )
        net.score.weight.fill_(1)
        image = torch.rand(1, 1, 188, 204)
        assert torch.equal(net(image), image[:, :, 92:-92, 92:-92])


def test_dropout_is_at_the_end_of_the_path_down_alone():
    paths = ZOO["unet"].build().paths
    assert [scale[-1].p for scale in paths.down] == [0, 0, 0, 0.5, 0.5]
    assert [scale[-1].p for scale in paths.up] == [0, 0, 0, 0]


def test_without_norms_features_keep_their_size():
    """He's initial weights: from the image to the last features the spread stays within a few times."""
    torch.manual_seed(0)
    net = Paths(1, 2, Unpadded, base=8).eval()
    features = {}
    net.up[-1].register_forward_hook(lambda _, __, out: features.update(last=out))
    with torch.no_grad():
        net(torch.randn(1, 1, 188, 188))
    assert 0.2 < features["last"].square().mean().sqrt() < 5
