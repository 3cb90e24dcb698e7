"""The gate catches what converters and preprocessing get wrong: each fault is planted in a file's way."""

import json
import sys

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fastportrait.engines import open_engine
from fastportrait.export import MissingConverter, gate, onnx, onnx_int8, write
from fastportrait.export.departure import first
from fastportrait.export.int8 import by_damage, climb
from fastportrait.export.pictures import Labelled, Pictures
from fastportrait.nets.network import Network

SIZE = (64, 64)


class Green(Network):
    """What is green is a person: by hand, in two layers that a converter keeps apart."""

    multiple = 8

    def __init__(self):
        super().__init__()
        self.differ = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.score = nn.Conv2d(8, 1, 1)
        with torch.no_grad():
            self.differ[0].weight.zero_()
            self.differ[0].bias.zero_()
            for channel in range(8):  # even ones: green over red; odd ones: red over green
                sign = 1 if channel % 2 == 0 else -1
                self.differ[0].weight[channel, :, 1, 1] = torch.tensor([-0.229, 0.224, 0]) * sign
                self.differ[0].bias[channel] = -0.029 * sign
                self.score.weight[0, channel] = 8.0 * sign
            self.score.bias.fill_(-1.0)

    def forward(self, image):
        return self.score(self.differ(self.normalise(image)))


@pytest.fixture(scope="module")
def net():
    return Green().eval()


@pytest.fixture(scope="module")
def pictures():
    """Green discs before reddish noise, with soft edges."""
    random, labelled = np.random.default_rng(0), []
    for _ in range(8):
        alpha = np.zeros(SIZE, np.uint8)
        cv2.circle(alpha, tuple(int(v) for v in random.integers(24, 40, 2)), 16, 255, -1, cv2.LINE_AA)
        share = cv2.GaussianBlur(alpha, (0, 0), 1.5)[..., None] / 255
        red, green = np.array([180, 60, 90]), np.array([50, 200, 70])
        picture = red * (1 - share) + green * share + random.normal(0, 8, (*SIZE, 3))
        pixels = picture.clip(0, 255).astype(np.uint8).transpose(2, 0, 1)
        labelled.append(Labelled(np.ascontiguousarray(pixels), alpha))
    images = [picture.image() for picture in labelled]
    return Pictures("8 discs", images[:4], images, labelled)


def exported(net, pictures, folder, precision="fp32"):
    return write(net, SIZE, {}, "net", folder, to="onnx", precision=precision, pictures=pictures)


def planted(monkeypatch, fault):
    """The converter sees the network that `fault` made of the one it is given."""
    convert = onnx.convert
    monkeypatch.setattr(onnx, "convert", lambda net, *rest: convert(fault(net), *rest))


class Around(torch.nn.Module):
    """A network whose image or logit is changed on the way."""

    def __init__(self, net, before=lambda image: image, behind=lambda logit: logit):
        super().__init__()
        self.net, self.before, self.behind = net, before, behind

    def forward(self, image):
        return self.behind(self.net(self.before(image)))

    def deploy(self):
        return Around(self.net.deploy(), self.before, self.behind)


def half_a_pixel(logit):
    """Each value and its right neighbour's mean: the mask moves half a pixel to the left."""
    return (logit + F.pad(logit, (0, 1, 0, 0), mode="replicate")[..., 1:]) / 2


def test_without_a_fault_it_passes(net, pictures, tmp_path):
    parity = exported(net, pictures, tmp_path).parity
    assert parity.max_alpha < 1e-4
    assert parity.shift < 1e-3
    assert (tmp_path / "net.onnx").exists()


def test_a_wrong_mean_is_caught_at_the_first_layer(net, pictures, tmp_path, monkeypatch):
    planted(
        monkeypatch,
        lambda net: Around(net, before=lambda image: image + torch.tensor([0.02, 0.0, -0.02]).view(3, 1, 1)),
    )
    with pytest.raises(gate.NotTheNetwork, match=r"alpha differs by up to") as caught:
        exported(net, pictures, tmp_path)
    assert "departs first at the layer differ.0" in str(caught.value)
    assert "the last that agrees is the input" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_half_pixel_shift_is_caught_and_measured(net, pictures, tmp_path, monkeypatch):
    planted(monkeypatch, lambda net: Around(net, behind=half_a_pixel))
    with pytest.raises(gate.NotTheNetwork, match=r"the mask is displaced by 0\.[3-6]\d pixels") as caught:
        exported(net, pictures, tmp_path)
    assert "every layer agrees" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_swapped_channels_are_caught(net, pictures, tmp_path, monkeypatch):
    planted(monkeypatch, lambda net: Around(net, before=lambda image: image.flip(1)))
    with pytest.raises(
        gate.NotTheNetwork, match=r"masks agree to IoU .* departs first at the layer differ\.0"
    ):
        exported(net, pictures, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("by", [(0.5, 0.0), (0.0, -0.25), (0.3, 0.4)])
def test_a_displacement_is_measured_in_pixels(by):
    """A soft disc against itself, moved."""
    y, x = np.mgrid[:64, :64].astype(np.float32)

    def disc(top, left):
        return 1 / (1 + np.exp(np.hypot(y - 32 - top, x - 32 - left) - 15))

    assert gate.shift([(disc(*by), disc(0, 0))]) == pytest.approx(np.hypot(*by), abs=0.02)


def test_a_mask_without_edges_has_nothing_to_displace():
    grey = np.full((64, 64), 0.5, np.float32)
    assert gate.shift([(grey, grey)]) == 0
    assert gate.shift([(grey, grey + 1e-5)]) == 0


def test_not_a_number_does_not_pass(net, pictures):
    expected = gate.reference(net, pictures.images)
    parity = gate.compare(lambda image: image[:, :1] * np.nan, expected, pictures.images)
    assert gate.complaint(parity, "fp32")
    assert gate.complaint(parity, "int8")


def test_the_first_layer_that_no_tensor_holds_is_named():
    one, two, three = (np.full((1, 2, 3, 4), value, np.float32) for value in (1, 2, 3))
    groups = [("a", [one]), ("b", [two]), ("c", [three])]
    assert "every layer agrees" in first(groups, {"x": one, "y": two.transpose(0, 2, 3, 1), "z": three}, 1e-3)
    message = first(groups, {"x": one, "y": two + 0.1, "z": three}, 1e-3)
    assert message == "it departs first at the layer b; the last that agrees is a"


def test_int8_without_labelled_pictures_is_refused_with_the_cure(net):
    with pytest.raises(ValueError, match=r"judged by its masks .* FASTPORTRAIT_DATA"):
        gate.accuracy_loss(lambda image: image, net, [])


def test_int8_weights_hold_and_the_file_says_which_rung_it_is_on(net, pictures, tmp_path):
    written = exported(net, pictures, tmp_path, precision="int8")
    assert written.rungs[-1].ok
    assert all(written.parity.loss[name] <= most for name, most in gate.LOSS.items())
    card = json.loads(onnx_metadata(written.path)["card"])
    assert card["int8"]["rung"] == written.rungs[-1].name
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def onnx_metadata(path):
    import onnx as package

    return {entry.key: entry.value for entry in package.load(path).metadata_props}


def test_a_broken_int8_scale_is_caught(net, pictures, tmp_path, monkeypatch):
    """The first filter's scales four times what they are: everything is a person."""
    from onnx import numpy_helper

    store = onnx_int8._store_in_8_bits

    def broken(model):
        store(model)
        (scale, *_) = [tensor for tensor in model.graph.initializer if tensor.name.endswith("_scale")]
        scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * 4, scale.name))

    monkeypatch.setattr(onnx_int8, "_store_in_8_bits", broken)
    with pytest.raises(ValueError, match=r"int8 weights alone lose too much \(iou \d+"):
        exported(net, pictures, tmp_path, precision="int8")
    assert not list(tmp_path.iterdir())


def test_a_collapsed_int8_file_is_refused_whatever_wrote_it(net, pictures):
    """As the gate sees a format without a ladder: its own converter wrote a mask of nobody."""
    loss = gate.accuracy_loss(lambda image: image[:, :1] * 0, net, pictures.labelled)
    assert loss["iou"] > 0.9
    expected = gate.reference(net, pictures.images)
    parity = gate.compare(lambda image: image[:, :1] * 0, expected, pictures.images, loss=loss)
    assert "IoU falls by" in gate.complaint(parity, "int8")


class Additive:
    """A quantiser by hand: each layer in 8 bits adds its own error to alpha."""

    damage = {"a": 0.01, "b": 0.6, "c": 0.02, "d": 0.0, "e": 0.0, "f": 0, "g": 0, "h": 0, "i": 0, "j": 0}  # noqa: RUF012
    layers = list(damage)  # noqa: RUF012

    def weights(self, path):
        path.write_text("0")

    def static(self, path, layers):
        path.write_text(str(sum(self.damage[layer] for layer in layers)))


def test_the_layer_that_does_the_damage_stays_in_float(net, pictures, tmp_path):
    def runner(path):
        error = float(path.read_text())
        return lambda image: gate.reference(net, [image])[0] - error

    rungs = climb(Additive(), runner, net, tmp_path / "net", pictures)
    assert [(rung.name, rung.ok) for rung in rungs] == [
        ("weights", True),
        ("static, 0 of 10 layers in float", False),
        ("static, 1 of 10 layers in float", True),
    ]
    assert rungs[-1].kept == ["b"]
    assert float((tmp_path / "net").read_text()) == pytest.approx(0.03)
    assert len(list(tmp_path.iterdir())) == 1
    assert by_damage(Additive(), runner, tmp_path / "trial", pictures.calibration[:2])[:3] == ["b", "c", "a"]


def test_ncnn_passes_too_and_its_card_lies_beside_it(net, pictures, tmp_path):
    pytest.importorskip("pnnx")
    written = write(net, SIZE, {"network": "green"}, "net", tmp_path, to="ncnn", pictures=pictures)
    assert written.parity.max_alpha < 1e-4
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["net.ncnn.bin", "net.ncnn.json", "net.ncnn.param"]
    engine = open_engine(written.path)
    assert engine.size == SIZE
    assert engine.card["network"] == "green"
    np.testing.assert_allclose(
        engine(pictures.images[0]), gate.reference(net, pictures.images[:1])[0], atol=1e-4
    )


def test_an_operation_that_ncnn_lacks_is_named(tmp_path, net, pictures):
    pytest.importorskip("pnnx")
    comparing = Around(net, behind=lambda logit: (logit > 0).float() * 8 - 4)
    with pytest.raises(ValueError, match=r"ncnn has no layer for torch\.gt"):
        write(comparing, SIZE, {}, "net", tmp_path, to="ncnn", pictures=pictures)
    assert not list(tmp_path.iterdir())


def test_a_missing_converter_is_named_with_the_line_to_type(tmp_path, net, pictures, monkeypatch):
    monkeypatch.setitem(sys.modules, "pnnx", None)
    with pytest.raises(MissingConverter, match=r"ncnn needs pnnx.*pip install 'fastportrait\[export-ncnn\]'"):
        write(net, SIZE, {}, "net", tmp_path, to="ncnn", pictures=pictures)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_litert_passes_too_and_its_card_is_in_it(precision, net, pictures, tmp_path):
    pytest.importorskip("litert_torch")
    card = {"network": "green"}
    written = write(net, SIZE, card, "net", tmp_path, to="litert", precision=precision, pictures=pictures)
    engine = open_engine(written.path)
    assert engine.size == SIZE
    assert engine.card["network"] == "green"
    if precision != "int8":
        expected = gate.reference(net, pictures.images[:1])[0]
        np.testing.assert_allclose(
            engine(pictures.images[0]), expected, atol=gate.TOLERANCE[precision].max_alpha
        )
