"""ExecuTorch files, run by ExecuTorch."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own, of what it calls experimental
    pytest.importorskip("executorch.exir")

from fastportrait import Segmenter
from fastportrait.export import executorch, gate
from fastportrait.export.pictures import figures
from fastportrait.nets import ZOO
from fastportrait.nets.pte import PteEngine
from zoo import settled

SIZE = (64, 96)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of torch's and torchao's own
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def net():
    return settled(ZOO["small"])


@pytest.fixture(scope="module")
def files(net, tmp_path_factory):
    """{precision: .pte}"""
    folder = tmp_path_factory.mktemp("pte")
    made = {precision: folder / f"{precision}.pte" for precision in executorch.PRECISIONS}
    for precision, path in made.items():
        executorch.convert(net, SIZE, {"network": "small"}, precision, path, figures(4, SIZE, seed=1))
    return made


@pytest.mark.parametrize(("precision", "most"), [("fp32", 1e-4), ("int8", 0.1)])
def test_the_file_gives_the_networks_alpha(net, files, precision, most):
    images = figures(2, SIZE)
    parity = gate.compare(executorch.runner(files[precision]), gate.reference(net, images), images)
    assert parity.max_alpha <= most
    assert precision == "fp32" or parity.max_alpha > 1e-4


def test_segmenter_runs_it_and_reads_its_card(net, files):
    segmenter = Segmenter(files["fp32"], threads=1)
    assert segmenter.engine.size == SIZE
    assert segmenter.engine.card == {"network": "small"}
    assert segmenter.engine.name.startswith("ExecuTorch")
    photo = (figures(1, (150, 100))[0][0].transpose(1, 2, 0) * 255).astype(np.uint8)
    assert segmenter.mask(photo).shape == SIZE


def test_eight_bits_take_less_room(files):
    full, eight = (files[precision].stat().st_size for precision in ("fp32", "int8"))
    assert eight < 0.5 * full


def test_eight_bits_without_pictures_are_refused(net, tmp_path):
    with pytest.raises(ValueError, match="int8 needs pictures to calibrate on"):
        executorch.convert(net, SIZE, {}, "int8", tmp_path / "x.pte", [])


def test_a_program_that_is_no_portrait_network_is_refused(tmp_path):
    import torch
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(torch.nn.Conv2d(1, 1, 1).eval(), (torch.zeros(1, 1, 8, 8),))
    path = tmp_path / "grey.pte"
    path.write_bytes(to_edge_transform_and_lower(program).to_executorch().buffer)
    with pytest.raises(ValueError, match=r"grey.pte: is no portrait network.*its methods are forward"):
        PteEngine(path)


def test_a_file_that_is_no_program_is_refused(tmp_path):
    path = tmp_path / "text.pte"
    path.write_bytes(b"not a program" * 100)
    with pytest.raises(ValueError, match=r"text.pte: the engine 'pte' cannot load it"):
        Segmenter(path)
