"""Core ML files: written, read back from disk and interpreted, for there is no Mac here."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from fastportrait.export import coreml, gate, write
from fastportrait.export.filled import filled
from fastportrait.export.pictures import figures
from fastportrait.nets import ZOO
from fastportrait.nets.network import Network
from zoo import settled

SIZE = (64, 64)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # coremltools', of numpy and torch
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    # its models keep their files in folders that only the garbage collection removes
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
pytest.importorskip("coremltools")


class Green(Network):
    """Green is a person: logit = 8 (green - red), through a pool and an enlargement."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 3, padding=1, bias=False)
        weight = torch.zeros(1, 3, 3, 3)
        weight[0, :, 1, 1] = torch.tensor([-2.0, 2.0, 0.0])
        self.conv.weight.data = weight

    def forward(self, image):
        small = nn.functional.avg_pool2d(self.conv(self.normalise(image)), 2, 2)
        return nn.functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)


@pytest.fixture(scope="module")
def green(tmp_path_factory):
    """{precision: .mlpackage}"""
    folder = tmp_path_factory.mktemp("green")
    card = {"network": "green", "terms": "none", "commit": "abc"}
    made = {}
    for precision in ("fp32", "fp16"):
        made[precision] = folder / f"{precision}.mlpackage"
        coreml.convert(Green().eval(), SIZE, card, precision, made[precision], [])
    return made


def spec(path):
    import coremltools as ct

    return ct.utils.load_spec(str(path))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_saved_file_gives_the_networks_alpha(green, precision):
    (image,) = figures(1, SIZE)
    expected = gate.reference(Green().eval(), [image])[0]
    found = coreml.runner(green[precision])(image)
    np.testing.assert_allclose(found, expected, rtol=0, atol=gate.TOLERANCE[precision].max_alpha)
    assert np.abs(found - expected).max() > 0 or precision == "fp32"


def test_the_image_is_a_picture_and_so_is_the_alpha_that_apps_take(green):
    picture, alpha = (getattr(spec(green["fp16"]).description, end)[0] for end in ("input", "output"))
    assert (picture.name, picture.type.imageType.width, picture.type.imageType.height) == ("image", 64, 64)
    assert picture.type.imageType.colorSpace == picture.type.imageType.RGB
    assert alpha.name == "alpha"
    assert alpha.type.imageType.colorSpace == alpha.type.imageType.GRAYSCALE_FLOAT16
    exact = spec(green["fp32"]).description.output[0]
    assert list(exact.type.multiArrayType.shape) == [1, 1, *SIZE]


def test_the_card_and_the_terms_lie_in_the_metadata(green):
    about = spec(green["fp16"]).description.metadata
    assert json.loads(about.userDefined["card"])["network"] == "green"
    assert about.license == "none"
    assert about.versionString == "abc"


def test_colours_are_normalised_in_full_precision(green):
    from coremltools.converters.mil.mil import types

    from fastportrait.export.mil import Program

    operations = Program(green["fp16"])._operations
    kinds = {o.op_type: types.builtin_to_string(o.outputs[0].dtype) for o in operations}
    assert (kinds["sub"], kinds["mul"], kinds["conv"]) == ("fp32", "fp32", "fp16")


def test_an_operation_that_the_interpreter_lacks_is_named(tmp_path):
    class Odd(Green):
        def forward(self, image):
            return torch.erf(super().forward(image))

    path = tmp_path / "odd.mlpackage"
    coreml.convert(Odd().eval(), SIZE, {}, "fp32", path, [])
    with pytest.raises(ValueError, match=r"odd.mlpackage: the interpreter has no erf; write it in"):
        coreml.runner(path)


@pytest.mark.parametrize("name", ["small", "enet"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_networks_pass_the_gate(name, precision, tmp_path):
    net = filled(ZOO[name])
    made = write(net, SIZE, {}, name, tmp_path, to="coreml", precision=precision)
    assert made.parity.max_alpha <= gate.TOLERANCE[precision].max_alpha
    assert (tmp_path / f"{name}.mlpackage").is_dir()


def test_eight_bits_take_less_room_and_hardly_change_the_alpha(tmp_path):
    net = settled(ZOO["small"])
    paths = {precision: tmp_path / f"{precision}.mlpackage" for precision in ("fp16", "int8")}
    for precision, path in paths.items():
        coreml.convert(net, SIZE, {}, precision, path, [])
    half, eight = (sum(f.stat().st_size for f in path.rglob("*")) for path in paths.values())
    assert eight < 0.7 * half
    images = figures(2, SIZE)
    parity = gate.compare(coreml.runner(paths["int8"]), gate.reference(net, images), images)
    assert 0 < parity.max_alpha < 0.05


def test_a_file_with_swapped_channels_is_refused(tmp_path, monkeypatch):
    convert = coreml.convert

    def swapped(net, *rest):
        other = Green().eval()
        other.conv.weight.data = net.conv.weight.data.flip(1)
        convert(other, *rest)

    monkeypatch.setattr(coreml, "convert", swapped)
    with pytest.raises(ValueError, match="the file is not the network"):
        write(Green().eval(), SIZE, {}, "green", tmp_path, to="coreml")
    assert not list(tmp_path.iterdir())
