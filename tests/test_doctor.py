"""`fastportrait doctor` and `fastportrait models`: they tell the truth about this installation."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from fastportrait import segmenter, weights
from fastportrait.cli import main

pytest.importorskip("onnx")


@pytest.fixture
def shipped(green_model, tmp_path, monkeypatch):
    data = green_model.read_bytes()
    (tmp_path / "small.onnx").write_bytes(data)
    card = {"network": "green", "size": [64, 64], "file": "small.onnx", "bytes": len(data)}
    card |= {
        "sha256": hashlib.sha256(data).hexdigest(),
        "terms": "for tests",
        "scores": {"val": {"iou": 95.5}},
    }
    (tmp_path / "cards.json").write_text(json.dumps({"small": card}))
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    segmenter._default.cache_clear()
    yield tmp_path
    segmenter._default.cache_clear()


def test_doctor_finds_everything_well(shipped):
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    for word in (
        "python",
        "onnxruntime",
        "engine .onnx",
        "reads HEIC",
        "model small",
        "verified",
        "640 x 480 in",
    ):
        assert word in result.output
    assert "BROKEN" not in result.output


def test_doctor_names_a_damaged_model_and_fails(shipped):
    (shipped / "small.onnx").write_bytes(b"damaged")
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["ok"] is False
    broken = {check["name"]: check for check in report["checks"] if not check["ok"] and check["essential"]}
    assert set(broken) == {"model small", "one picture"}
    assert "reinstall" in broken["model small"]["cure"]


def test_doctor_says_how_to_get_an_engine_that_is_absent(shipped, monkeypatch):
    from importlib.metadata import EntryPoint

    group = "fastportrait.engines"
    points = {
        "onnx": EntryPoint("onnx", "fastportrait.engines.onnx:OnnxEngine", group),
        "safetensors": EntryPoint("safetensors", "package_that_is_not_there:Engine", group),
    }
    monkeypatch.setattr("fastportrait.engines.available", lambda: points)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "absent  engine .safetensors" in result.output
    assert "pip install 'fastportrait[nets]'" in result.output


def test_doctor_without_models_fails(tmp_path, monkeypatch):
    (tmp_path / "cards.json").write_text("{}")
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    assert CliRunner().invoke(main, ["doctor"]).exit_code == 1


def test_models_tells_the_codes_licence_and_the_weights_terms_apart(shipped):
    result = CliRunner().invoke(main, ["models", "--shipped"])
    assert result.exit_code == 0, result.output
    assert "small  green    64 x 64" in result.output
    assert "val iou 95.5" in result.output
    assert "code is under Apache-2.0" in result.output
    assert "small: for tests" in result.output


def test_models_as_json_are_the_cards(shipped):
    (card,) = json.loads(CliRunner().invoke(main, ["models", "--shipped", "--json"]).output)
    assert card["name"] == "small"
    assert card["size"] == [64, 64]
