import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from fastportrait import Segmenter
from fastportrait.cli import main
from fastportrait.export import export, gate, onnx, portrait
from fastportrait.export.filled import filled, noise
from fastportrait.export.pictures import figures
from fastportrait.nets import ZOO
from fastportrait.nets.weights import About, save
from fastportrait.segmenter import PRESENT, SHARE

ROOT = Path(__file__).resolve().parents[1]
NETWORK = "fastdeepmatting"
SIZE = (64, 96)


@pytest.fixture(autouse=True)
def without_data(monkeypatch):
    """Drawn pictures, also where real ones are at hand."""
    monkeypatch.delenv("FASTPORTRAIT_DATA", raising=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The network that converts fastest, with weights by a formula, so that its masks are not all grey."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(filled(ZOO[NETWORK]), About(NETWORK, SIZE, recipe="r.toml", data=("web",), terms="none"), path)
    return path


@pytest.fixture(scope="module")
def files(weights, tmp_path_factory):
    """{precision: (file, parity)}"""
    folder = tmp_path_factory.mktemp("out")
    written = {name: export(weights, folder / name, precision=name) for name in ("fp32", "fp16")}
    return {name: (made.path, made.parity) for name, made in written.items()}


def copy(written, tmp_path):
    """A folder with what one of `files` came with, to be changed at will."""
    return shutil.copytree(written[0].parent, tmp_path / "model")


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
    assert card["network"] == NETWORK
    assert card["size"] == list(SIZE)
    assert card["precision"] == precision
    assert card["terms"] == "none"
    assert card["params"] == sum(p.numel() for p in ZOO[NETWORK].build().parameters())


def test_half_precision_takes_half_the_room(files):
    full, half = (files[name][0].stat().st_size for name in ("fp32", "fp16"))
    assert half < 0.6 * full


def test_weights_and_file_cut_the_same_alpha_out_of_a_photo(exported, weights):
    _, path, _ = exported
    photo = (figures(1, (150, 100))[0][0].transpose(1, 2, 0) * 255).astype(np.uint8)
    ours, theirs = (Segmenter(model).mask(photo) for model in (weights, path))
    np.testing.assert_allclose(ours, theirs, atol=2e-2)


def test_a_file_that_gives_other_masks_is_not_written(weights, tmp_path, monkeypatch):
    other = ZOO[NETWORK].build().eval()
    convert = onnx.convert
    monkeypatch.setattr(onnx, "convert", lambda net, *rest: convert(other, *rest))
    with pytest.raises(
        ValueError, match=r"the file is not the network: alpha differs.* it departs first at the layer"
    ):
        export(weights, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_size_that_does_not_fit_is_one_clear_line(weights, tmp_path):
    done = CliRunner().invoke(main, ["export", str(weights), "--size", "101", "96", "-o", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output == "Error: FastDeepMatting needs multiples of 2, not 101 x 96: use 100 x 96\n"


def test_the_command_prints_json(weights, tmp_path):
    done = CliRunner().invoke(main, ["export", str(weights), "-o", str(tmp_path), "--json"])
    report = json.loads(done.stdout)
    (row,) = report["files"]
    assert row["bytes"] == (tmp_path / "tiny.onnx").stat().st_size
    assert row["parity"]["max_alpha"] < 1e-4
    assert report["failed"] == []


def test_portrait_json_describes_the_file_and_python_agrees_with_its_vectors(files):
    folder = files["fp16"][0].parent
    told = portrait.read(folder)
    assert (told["name"], told["network"]) == ("tiny", NETWORK)
    assert (told["input"]["height"], told["input"]["width"]) == SIZE
    assert told["files"]["onnx"]["precision"] == "fp16"
    assert told["files"]["onnx"]["bytes"] == (folder / "tiny.onnx").stat().st_size
    assert (told["presence"]["share"], told["presence"]["threshold"]) == (SHARE, PRESENT)
    assert "precision" not in told["card"]
    rows = portrait.check(folder)
    assert len(rows) == len(told["vectors"]) >= 2
    assert all(row.ok for row in rows)


def test_what_the_page_reads_is_what_the_shipped_model_gives(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["app_model.py", "--check"])
    runpy.run_path(
        str(ROOT / "scripts" / "app_model.py"), run_name="__main__"
    )  # else it exits with a message


def test_a_second_format_joins_the_first(files, weights, tmp_path):
    pytest.importorskip("pnnx")
    folder = copy(files["fp32"], tmp_path)
    vectors = {path.name: path.read_bytes() for path in (folder / "vectors").iterdir()}
    export(weights, folder, to="ncnn")
    told = portrait.read(folder)
    assert set(told["files"]) == {"onnx", "ncnn"}
    assert (told["files"]["ncnn"]["input"], told["files"]["ncnn"]["output"]) == ("in0", "out0")
    assert told["files"]["ncnn"]["with"][0]["file"] == "tiny.ncnn.bin"
    assert {path.name: path.read_bytes() for path in (folder / "vectors").iterdir()} == vectors
    assert {row.target for row in portrait.check(folder)} == {"onnx", "ncnn"}
    assert Segmenter(folder).engine.size == SIZE  # the faster of the two


def test_a_file_or_a_vector_that_is_not_the_models_is_found(files, tmp_path):
    import cv2

    folder = copy(files["fp32"], tmp_path)
    mask = cv2.imread(str(folder / "vectors" / "0-alpha.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / "vectors" / "0-alpha.png"), 255 - mask)
    assert [row.vector for row in portrait.check(folder) if not row.ok] == ["vectors/0-frame.png"]
    data = (folder / "tiny.onnx").read_bytes()
    (folder / "tiny.onnx").write_bytes(data + b" ")
    with pytest.raises(ValueError, match=r"tiny\.onnx: is missing or not the file"):
        portrait.check(folder)


def test_other_weights_start_a_new_description_and_another_model_is_refused(files, weights, tmp_path):
    folder = copy(files["fp32"], tmp_path)
    told = json.loads((folder / "portrait.json").read_text())
    told["card"]["weights_sha256"] = "others"
    told["files"]["ncnn"] = told["files"]["onnx"]
    (folder / "portrait.json").write_text(json.dumps(told))
    export(weights, folder)
    assert set(portrait.read(folder)["files"]) == {"onnx"}
    other = shutil.copy(weights, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"holds the model 'tiny': choose another folder for 'other'"):
        export(other, folder)


def test_several_formats_in_one_command_and_one_that_fails_does_not_stop_the_others(
    weights, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pnnx", None)
    words = ["export", str(weights), "--to", "ncnn,onnx", "-o", str(tmp_path), "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "pip install 'fastportrait[export-ncnn]'" in done.stderr
    report = json.loads(done.stdout)
    assert [row["target"] for row in report["files"]] == ["onnx"]
    assert [row["target"] for row in report["failed"]] == ["ncnn"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.safetensors"], "no file of weights there"),
        (["smal"], "did you mean 'small'"),
        (["xception"], "has no weights here: train it"),
        (["small", "--to", "tflit"], "no format 'tflit'; there are onnx, litert, executorch, coreml, ncnn"),
        (["small", "--precision", "int8"], "name a folder of shards by --data or FASTPORTRAIT_DATA"),
    ],
)
def test_what_cannot_be_exported_is_one_clear_line(words, said, tmp_path):
    done = CliRunner().invoke(main, ["export", *words, "-o", str(tmp_path)])
    assert done.exit_code == 1
    assert said in done.output
    assert done.output.count("\n") == 1


def test_weights_by_the_formula_are_the_same_everywhere():
    values = noise("a", 3)
    assert values.tolist() == noise("a", 5)[:3].tolist()
    assert abs(noise("b", 10_000).mean()) < 0.02
    assert noise("b", 10_000).std() == pytest.approx(1 / 3**0.5, abs=0.02)
    first, second = (filled(ZOO[NETWORK]).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("bias", [True, False])
def test_litert_gets_odd_transposed_convolutions_as_plain_ones_with_the_same_sums(bias):
    from fastportrait.export.litert import Doubled, without_odd_transposes

    form = nn.Sequential(nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1, bias=bias))
    form.append(nn.ConvTranspose2d(5, 2, 2, stride=2))
    image = torch.randn(2, 3, 6, 9)
    with torch.no_grad():
        expected = form(image)
        changed = without_odd_transposes(form)
        np.testing.assert_allclose(changed(image), expected, atol=1e-5)
    assert [type(layer) for layer in changed] == [Doubled, nn.ConvTranspose2d]
