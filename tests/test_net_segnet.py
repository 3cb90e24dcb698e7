"""SegNet's own promises."""

import pytest
import torch
from torch import nn

from fastportrait.nets.segnet import DROPPED, Encoder, SegNet, from_torchvision


def torchvision_names():
    """The names and shapes of torchvision's VGG16 with batch norms, from its documented layout."""
    shapes = {}
    rows = [
        (0, 3, 64), (3, 64, 64),
        (7, 64, 128), (10, 128, 128),
        (14, 128, 256), (17, 256, 256), (20, 256, 256),
        (24, 256, 512), (27, 512, 512), (30, 512, 512),
        (34, 512, 512), (37, 512, 512), (40, 512, 512),
    ]  # fmt: skip
    for i, c_in, c_out in rows:
        shapes |= {f"features.{i}.weight": (c_out, c_in, 3, 3), f"features.{i}.bias": (c_out,)}
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"features.{i + 1}.{leaf}"] = (c_out,)
        shapes[f"features.{i + 1}.num_batches_tracked"] = ()
    for i, c_in, c_out in ((0, 25088, 4096), (3, 4096, 4096), (6, 4096, 1000)):
        shapes |= {f"classifier.{i}.weight": (c_out, c_in), f"classifier.{i}.bias": (c_out,)}
    return shapes


def checkpoint():
    with torch.device("meta"):
        return {name: torch.empty(shape) for name, shape in torchvision_names().items()}


def test_vgg16s_checkpoint_fills_the_trunk_and_only_its_classifier_is_dropped():
    theirs = checkpoint()
    ours = from_torchvision(theirs)
    with torch.device("meta"):
        net = SegNet()
    wanted = {
        name: value.shape
        for name, value in net.state_dict().items()
        if name.startswith("trunk.") and "num_batches" not in name
    }
    assert {name: value.shape for name, value in ours.items()} == wanted
    assert ours["trunk.stages.2.1.0.weight"] is theirs["features.17.weight"]
    assert ours["trunk.stages.4.2.1.running_var"] is theirs["features.41.running_var"]
    used = {id(value) for value in ours.values()}
    left = {name for name, value in theirs.items() if id(value) not in used}
    assert {name for name in left if "num_batches" not in name} == DROPPED


def test_a_key_without_a_place_and_a_place_without_a_key_are_refused():
    with pytest.raises(ValueError, match=r"'classifier\.7\.weight' is no layer"):
        from_torchvision(checkpoint() | {"classifier.7.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"'features\.2\.weight' is no layer"):  # a VGG16 without norms
        from_torchvision(checkpoint() | {"features.2.weight": torch.zeros(1)})
    short = {name: value for name, value in checkpoint().items() if not name.startswith("features.40.")}
    with pytest.raises(ValueError, match=r"no features\.40\.weight"):
        from_torchvision(short)


def test_odd_sides_come_back_as_they_were():
    sides = []
    with torch.device("meta"):
        net = SegNet(11)
        net.trunk.pool.register_forward_hook(lambda _, __, out: sides.append(tuple(out[0].shape[2:])))
        net.decoder.unpool.register_forward_hook(lambda _, __, out: sides.append(tuple(out.shape[2:])))
        scores = net(torch.empty(1, 3, 360, 480))
    down = [(180, 240), (90, 120), (45, 60), (23, 30), (12, 15)]
    assert sides == [*down, *down[-2::-1], (360, 480)]
    assert scores.shape == (1, 11, 360, 480)


def test_26_convolutions_and_the_last_gives_bare_scores():
    with torch.device("meta"):
        net = SegNet(11)
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == 26
    assert [type(m) for m in net.decoder.stages[-1]][-1] is nn.Conv2d
    assert [stage[-1][0].out_channels for stage in net.decoder.stages[:-1]] == [512, 256, 128, 64]


def test_the_decoder_gets_each_poolings_own_places_the_last_first():
    torch.manual_seed(0)
    x, places = Encoder(width=0.0625)(torch.rand(1, 3, 64, 96))
    assert x.shape == (1, 32, 2, 3)
    assert [tuple(place.size) for place in places] == [(64, 96), (32, 48), (16, 24), (8, 12), (4, 6)]
