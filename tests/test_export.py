import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from fastportrait import Segmenter
from fastportrait.cli import main
from fastportrait.export import export, gate, onnx
from fastportrait.export.pictures import figures
from fastportrait.nets import ZOO
from fastportrait.nets.weights import About, save

SIZE = (64, 96)


@pytest.fixture(autouse=True)
def without_data(monkeypatch):
    """Drawn pictures, also where real ones are at hand."""
    monkeypatch.delenv("FASTPORTRAIT_DATA", raising=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """`small` with weights by a formula, so strong that its masks are not all grey."""
    net = ZOO["small"].build().train()
    torch.manual_seed(0)
    for _ in range(5):
        net(torch.rand(4, 3, 64, 64))
    net.head.weight.data *= 20
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(net.eval(), About("small", SIZE, recipe="r.toml", data=("web",), terms="none"), path)
    return path


@pytest.fixture(scope="module")
def files(weights, tmp_path_factory):
    """{precision: (file, parity)}"""
    folder = tmp_path_factory.mktemp("out")
    written = {name: export(weights, folder / name, precision=name) for name in ("fp32", "fp16")}
    return {name: (made.path, made.parity) for name, made in written.items()}


@pytest.fixture(params=["fp32", "fp16"])
def exported(request, files):
    return request.param, *files[request.param]


def test_the_file_gives_the_networks_masks(exported):
    precision, _, parity = exported
    assert parity.pictures == 8
    assert parity.source == "8 drawn figures"
    assert parity.max_alpha <= gate.TOLERANCE[precision].max_alpha
    assert parity.iou <= 1
    assert parity.shift < 0.01


def test_the_file_says_what_it_is(exported, weights):
    precision, path, _ = exported
    card = Segmenter(path).engine.card
    assert card["network"] == "small"
    assert card["size"] == list(SIZE)
    assert card["precision"] == precision
    assert card["terms"] == "none"
    assert card["params"] == sum(p.numel() for p in ZOO["small"].build().parameters())


def test_half_precision_takes_half_the_room(files):
    full, half = (files[name][0].stat().st_size for name in ("fp32", "fp16"))
    assert half < 0.6 * full


def test_weights_and_file_cut_the_same_alpha_out_of_a_photo(exported, weights):
    _, path, _ = exported
    photo = (figures(1, (150, 100))[0][0].transpose(1, 2, 0) * 255).astype(np.uint8)
    ours, theirs = (Segmenter(model).mask(photo) for model in (weights, path))
    np.testing.assert_allclose(ours, theirs, atol=2e-2)


def test_a_file_that_gives_other_masks_is_not_written(weights, tmp_path, monkeypatch):
    other = ZOO["small"].build().eval()
    convert = onnx.convert
    monkeypatch.setattr(onnx, "convert", lambda net, *rest: convert(other, *rest))
    with pytest.raises(
        ValueError, match=r"the file is not the network: alpha differs.* it departs first at the layer"
    ):
        export(weights, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_size_that_does_not_fit_is_one_clear_line(weights, tmp_path):
    done = CliRunner().invoke(main, ["export", str(weights), "--size", "100", "100", "-o", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output == "Error: TopDown needs multiples of 32, not 100 x 100: use 96 x 96\n"


def test_the_command_prints_json(weights, tmp_path):
    done = CliRunner().invoke(main, ["export", str(weights), "-o", str(tmp_path), "--json"])
    report = json.loads(done.stdout)
    (row,) = report["files"]
    assert row["bytes"] == (tmp_path / "tiny.onnx").stat().st_size
    assert row["parity"]["max_alpha"] < 1e-4
    assert report["failed"] == []
