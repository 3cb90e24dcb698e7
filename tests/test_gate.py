"""The gate catches what converters and preprocessing get wrong: each fault is planted in a file's way."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fastportrait.export import gate, onnx, write
from fastportrait.export.departure import first
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
