"""PP-HumanSeg: what is passed on, what is mixed, what the whole picture says."""

import torch

from fastportrait.nets import ZOO
from fastportrait.nets.mobilenetv3 import LARGE, MobileNetV3
from fastportrait.nets.pphumanseg import Context, Halve, HumanSegV1, Keep, MobileSeg
from fastportrait.nets.weights import About, save, start_from


def test_a_block_of_stride_1_passes_half_of_its_channels_on_as_they_are():
    torch.manual_seed(0)
    x = torch.rand(1, 8, 4, 6)
    with torch.no_grad():
        y = Keep(8).eval()(x)
    assert y.shape == x.shape
    assert torch.equal(y[:, ::2], x[:, :4])  # the shuffle sets them on the even places


def test_a_block_of_stride_2_halves_the_map_and_computes_both_halves():
    y = Halve(36, 72).eval()(torch.rand(1, 36, 8, 12))
    assert y.shape == (1, 72, 4, 6)


def test_no_layer_of_v1_is_left_without_work():
    net, ran = HumanSegV1().eval(), set()
    for name, layer in net.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda *_, name=name: ran.add(name))
    scores = net(torch.rand(1, 3, 48, 64))
    assert scores.shape == (1, 2, 24, 32)
    assert ran == {name for name, layer in net.named_modules() if not list(layer.children())}


def test_v1_takes_a_size_that_its_strides_do_not_divide():
    with torch.device("meta"):
        assert HumanSegV1()(torch.empty(1, 3, 224, 398)).shape == (1, 2, 112, 199)


def test_the_context_of_an_even_picture_is_even():
    torch.manual_seed(0)
    context = Context(4, 6).eval()
    context.project = torch.nn.Identity()  # its padding would show the border
    with torch.no_grad():
        y = context(torch.ones(1, 4, 8, 8))
    torch.testing.assert_close(y, y[:, :, :1, :1].expand_as(y))


def test_the_decoder_of_v2_gives_one_map_a_stride():
    maps = MobileSeg().eval()([torch.rand(1, c, 64 // s, 128 // s) for c, s in ((24, 4), (40, 8), (112, 16))])
    assert [tuple(m.shape[1:]) for m in maps] == [(32, 16, 32), (64, 8, 16), (128, 4, 8)]


def test_v2_starts_from_the_whole_classifier_and_supervises_three_strides(tmp_path):
    torch.manual_seed(0)
    classifier = MobileNetV3(LARGE, 1280, classes=2)
    save(classifier, About("mobilenetv3-large", (224, 224)), tmp_path / "c.safetensors")
    net = ZOO["pphumanseg-v2"].build()
    start_from(net, "pphumanseg-v2", tmp_path / "c.safetensors")
    there, here = classifier.trunk.stages[3][5].body[0][0], net.trunk.stages[3][5].body[0][0]
    assert torch.equal(there.weight, here.weight)
    outputs = net.outputs(torch.rand(2, 3, 64, 128))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "mask": (2, 1, 64, 128),
        "mask_s8": (2, 1, 8, 16),
        "mask_s16": (2, 1, 4, 8),
    }
