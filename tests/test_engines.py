"""Which engine runs a model: the fastest of several, never another than the one that was asked for."""

import json
from importlib.metadata import EntryPoint

import numpy as np
import onnxruntime as ort
import pytest

from conftest import SIZE
from fastportrait import Segmenter
from fastportrait.engines import ModelError, available, open_engine
from fastportrait.engines.choice import digest, fastest
from fastportrait.engines.onnx import OnnxEngine

ABSENT = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml", "openvino": "onnxruntime-openvino"}


class Toil:
    """An engine that multiplies large matrices before it answers."""

    name, size, card = "toil", SIZE, {}

    def __init__(self, path, threads=None):
        self.path = path

    def __call__(self, image):
        large = np.ones((700, 700), np.float32)
        for _ in range(6):
            large = large @ large * 0
        return image[:, :1] + large[0, 0]


def described(folder, model, *more):
    """`model` in `folder` as portrait.json describes it, and files of other endings beside it."""
    (folder / "green.onnx").write_bytes(model.read_bytes())
    for ending in more:
        (folder / f"green.{ending}").write_bytes(b"toil")
    paths = {ending: folder / f"green.{ending}" for ending in ("onnx", *more)}
    files = {name: {"file": path.name, "sha256": digest(path)[0]} for name, path in paths.items()}
    (folder / "portrait.json").write_text(json.dumps({"schema": "portrait/1", "files": files}))
    return folder


@pytest.fixture
def with_toil(monkeypatch):
    points = {
        "onnx": available()["onnx"],
        "toil": EntryPoint("toil", "test_engines:Toil", "fastportrait.engines"),
        "gone": EntryPoint("gone", "package_that_is_not_there:Engine", "fastportrait.engines"),
    }
    monkeypatch.setattr("fastportrait.engines.available", lambda: points)


def test_of_a_folder_the_fastest_runs(tmp_path, green_model, with_toil, portrait):
    folder = described(tmp_path, green_model, "toil", "gone", "strange")
    for path in (folder, folder / "portrait.json"):
        segmenter = Segmenter(path)
        assert isinstance(segmenter.engine, OnnxEngine)
        assert segmenter(portrait)[60, 80] == 1


def test_the_fastest_is_the_one_of_the_least_median():
    """Engines that each move a clock of their own making: one slip does not decide."""
    now = [0.0]

    class Takes:
        name, card, size = "", {}, (8, 8)

        def __init__(self, *times):
            self.times = list(times)

        def __call__(self, image):
            now[0] += self.times.pop(0)
            return image[:, :1]

    steady, slipping = Takes(9, 9, 2, 2, 2, 2, 2), Takes(99, 9, 1, 50, 1, 1, 1)
    assert fastest([steady, slipping], clock=lambda: now[0]) is slipping


def test_an_engine_that_is_asked_for_runs_even_if_another_is_faster(tmp_path, green_model, with_toil):
    folder = described(tmp_path, green_model, "toil", "gone")
    assert isinstance(open_engine(folder, engine="toil"), Toil)
    with pytest.raises(ModelError, match=r"'gone' is not installed"):
        open_engine(folder, engine="gone")


def test_a_format_that_the_folder_lacks_is_named(tmp_path, green_model):
    with pytest.raises(ModelError, match=r"names no \.tflite file.* it has onnx"):
        open_engine(described(tmp_path, green_model), engine="tflite")


def test_an_altered_or_missing_file_is_not_run(tmp_path, green_model, with_toil):
    folder = described(tmp_path, green_model, "toil")
    (folder / "green.toil").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"green\.toil.*SHA-256 is wrong"):
        open_engine(folder)
    (folder / "green.toil").unlink()
    with pytest.raises(ModelError, match=r"green\.toil: is missing"):
        open_engine(folder)


def test_a_folder_that_is_no_model_says_so(tmp_path):
    with pytest.raises(ModelError, match=r"a folder without a portrait\.json"):
        Segmenter(tmp_path)
    (tmp_path / "portrait.json").write_text('{"files": 3}')
    with pytest.raises(ModelError, match=r"is no portrait\.json"):
        Segmenter(tmp_path)


@pytest.mark.parametrize("device", ABSENT)
def test_a_device_that_is_absent_is_an_error_with_its_cure(device, green_model, tmp_path):
    folder = described(tmp_path, green_model)
    for model in (green_model, folder):
        with pytest.raises(
            ModelError, match=rf"no {device} here: .* has CPU.*{ABSENT[device]}|no {device} here"
        ):
            Segmenter(model, engine=device)


def test_a_device_that_is_built_in_and_does_not_start_is_an_error_too(green_model, monkeypatch):
    """As with a wheel for CUDA on a machine without a card: ONNX Runtime warns and takes the CPU."""
    monkeypatch.setattr(
        ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(ModelError, match="cuda is built in and does not start"),
    ):
        OnnxEngine(green_model, device="cuda")
