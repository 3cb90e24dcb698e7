"""MobileNetV2 as a segmenter: its trunk at several strides. (The public checkpoint: tests/test_nets.py.)"""

from functools import partial

import pytest
import torch

from fastportrait.nets import ZOO
from fastportrait.nets.card import measure
from fastportrait.nets.mobilenetv2 import MobileNetV2, Trunk
from fastportrait.nets.weights import About, save, start_from


def names_and_shapes(net):
    return {name: value.shape for name, value in net.state_dict().items()}


@pytest.mark.parametrize("stride", [16, 8])
def test_a_denser_trunk_takes_the_same_weights_and_agrees_where_the_coarse_one_looks(stride):
    torch.manual_seed(0)
    coarse, dense = Trunk(width=0.35).eval(), Trunk(width=0.35, output_stride=stride).eval()
    assert names_and_shapes(coarse) == names_and_shapes(dense)
    dense.load_state_dict(coarse.state_dict())
    image = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        few, many = coarse(image), dense(image)
    assert [96 // f.shape[2] for f in many] == [min(s, stride) for s in (2, 4, 8, 16, 32)]
    for a, b in zip(few, many, strict=True):
        step = b.shape[2] // a.shape[2]
        scale = a.abs().max()
        torch.testing.assert_close(b[..., ::step, ::step] / scale, a / scale, rtol=0, atol=1e-4)


def test_the_authors_list_cuts_its_decimals_off():
    for side, printed in ((224, 59), (160, 30), (96, 11)):
        assert measure(partial(MobileNetV2, width=0.35), (side, side)).macs // 10**6 == printed


def test_both_portrait_networks_start_from_the_classifier(tmp_path):
    torch.manual_seed(0)
    classifier = MobileNetV2(classes=2)
    save(classifier, About("mobilenetv2-1.0", (224, 224)), tmp_path / "c.safetensors")
    for name in ("mobilenetv2", "mobilenetv2-unet"):
        net = ZOO[name].build()
        filled = start_from(net, name, tmp_path / "c.safetensors")
        assert set(filled) == {key for key in net.state_dict() if key.startswith("trunk.")}
        assert torch.equal(
            net.trunk.stages[4][3].body[1][0].weight, classifier.trunk.stages[4][3].body[1][0].weight
        )
