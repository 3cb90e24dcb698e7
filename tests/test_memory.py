"""Networks with memory: a file stepped over frames is the network stepped over them, and streams carry it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fastportrait import Segmenter
from fastportrait.engines import ModelError
from fastportrait.engines.memory import remembers
from fastportrait.engines.onnx import OnnxEngine
from fastportrait.export import memory
from fastportrait.export.pictures import figures
from fastportrait.nets import ZOO
from fastportrait.nets.network import Network
from zoo import settled

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxslim")


class Fades(Network):
    """What is green is a person, and half of the last mask stays."""

    multiple = 1

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(8.0))

    def state(self, image: Tensor) -> tuple[Tensor, ...]:
        return (image.new_zeros(len(image), 1, *image.shape[2:]),)

    def step(self, image: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logit = self.gain * (image[:, 1:2] - image[:, :1] - 0.25) + 4 * state[0]
        return logit, 0.5 * logit.sigmoid() + 0.5 * state[0]

    def forward(self, image: Tensor) -> Tensor:
        return self.step(image, *self.state(image))[0]


@pytest.fixture(scope="module")
def fading(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "fades.onnx"
    assert memory.write(Fades(), (32, 32), {"network": "fades"}, figures(3, (32, 32)), path) < 1e-5
    return path


def frame(green):
    return np.full((32, 32, 3), (0, 255, 0) if green else (255, 0, 0), np.uint8)


def test_a_file_with_memory_says_so_and_a_single_picture_is_a_first_frame(fading, green_model):
    engine = OnnxEngine(fading)
    assert remembers(engine)
    assert not remembers(OnnxEngine(green_model))
    assert [s.shape for s in engine.start()] == [(1, 1, 32, 32)]
    image = figures(1, (32, 32))[0]
    np.testing.assert_array_equal(engine(image), engine.step(image, engine.start())[0])


def test_a_stream_carries_the_memory_and_forgets_it_at_a_reset(fading):
    segmenter = Segmenter(fading, threads=1)
    stream = segmenter.stream()
    first = stream.mask(frame(green=True))[5, 5]
    second = stream.mask(frame(green=True))[5, 5]
    assert second > first
    stream.reset()
    assert stream.mask(frame(green=True))[5, 5] == first
    assert segmenter.mask(frame(green=True))[5, 5] == first


def test_not_steady_is_without_memory_and_a_cut_forgets_it(fading):
    segmenter = Segmenter(fading, threads=1)
    plain, stream = segmenter.stream(steady=False), segmenter.stream()
    for _ in range(3):
        plain.mask(frame(green=True))
        stream.mask(frame(green=True))
    assert plain.mask(frame(green=True))[0, 0] == segmenter.mask(frame(green=True))[0, 0]
    assert stream.mask(frame(green=False))[0, 0] == segmenter.mask(frame(green=False))[0, 0]
    assert stream.cuts == 1


def test_two_streams_of_one_segmenter_remember_apart(fading):
    segmenter = Segmenter(fading, threads=1)
    one, other = segmenter.stream(), segmenter.stream()
    alone = [one.mask(frame(green=True))[0, 0] for _ in range(3)]
    again = [other.mask(frame(green=True))[0, 0] for _ in range(3)]
    assert alone == again


def test_memory_that_does_not_come_out_as_it_goes_in_is_refused(fading, tmp_path):
    model = onnx.load(fading)
    model.graph.output[1].name = model.graph.output[1].name.replace("next_0", "next_7")
    for node in model.graph.node:
        node.output[:] = [name.replace("next_0", "next_7") for name in node.output]
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"memory is broken: state_0 is .* next_0 is missing"):
        OnnxEngine(tmp_path / "a.onnx")


def test_a_network_without_memory_is_not_exported_as_one(tmp_path):
    with torch.device("meta"):
        net = ZOO["small"].build()
    with pytest.raises(ValueError, match="TopDown has no memory"):
        memory.write(net, (64, 64), {}, [], tmp_path / "a.onnx")


def test_a_file_that_forgets_is_not_written(tmp_path, monkeypatch):
    def forgets(self: Fades, image: Tensor) -> tuple[Tensor, ...]:
        return (image.new_zeros(1, 1, 32, 32) + 1,)

    monkeypatch.setattr(Fades, "state", forgets)  # the file always starts from zero
    with pytest.raises(ValueError, match="the file is not the network"):
        memory.write(Fades(), (32, 32), {}, figures(2, (32, 32)), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_rvm_in_onnx_and_in_pytorch_say_the_same_of_every_frame(tmp_path):
    net, frames = settled(ZOO["rvm"]), figures(5, (64, 96))
    path = tmp_path / "rvm.onnx"
    assert memory.write(net, (64, 96), {"network": "rvm"}, frames, path) < 1e-3
    engine = OnnxEngine(path)
    assert [s.shape for s in engine.start()] == [
        (1, 16, 32, 48),
        (1, 20, 16, 24),
        (1, 40, 8, 12),
        (1, 64, 4, 6),
    ]
    _, state = engine.step(frames[0], engine.start())
    assert np.abs(engine.step(frames[1], state)[0] - engine(frames[1])).max() > 1e-4  # it does remember
