"""The Python face: what `Segmenter` and `cut` promise, on a network for which green is a person."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import fastportrait
from conftest import write_model
from fastportrait import Segmenter, segmenter, weights
from fastportrait.engines import ModelError, open_engine
from fastportrait.engines.onnx import OnnxEngine
from fastportrait.segmenter import PRESENT

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="session")
def green(green_model):
    return Segmenter(green_model, threads=1)


@pytest.fixture
def shipped(green_model, tmp_path, monkeypatch):
    """A folder of shipped models that holds the green one as "small"."""
    import hashlib

    data = green_model.read_bytes()
    (tmp_path / "small.onnx").write_bytes(data)
    card = {"network": "green", "size": [64, 64], "file": "small.onnx", "bytes": len(data)}
    card["sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / "cards.json").write_text(json.dumps({"small": card}))
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    segmenter._default.cache_clear()
    yield tmp_path
    segmenter._default.cache_clear()


def test_what_is_green_is_the_person(green, portrait):
    alpha = green(portrait)
    assert alpha.shape == (96, 160)
    assert alpha.dtype == np.float32
    assert alpha[40:, 56:104].min() > 0.95
    assert alpha[:12].max() < 0.05
    assert alpha[:, :28].max() < 0.05


def test_a_pil_image_and_a_view_are_taken_as_they_are(green, portrait):
    wanted = green(portrait)
    assert np.array_equal(green(Image.fromarray(portrait)), wanted)
    assert np.array_equal(green(portrait[..., ::-1][..., ::-1]), wanted)
    assert np.array_equal(green(np.asfortranarray(portrait)), wanted)


@pytest.mark.parametrize(
    ("image", "cure"),
    [
        (np.zeros((4, 4), np.uint8), r"\(4, 4\) uint8.*convert\('RGB'\)"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\).*convert\('RGB'\)"),
        (np.zeros((4, 4, 3), np.float32), r"float32.*\* 255"),
        (np.zeros((3, 8, 8), np.uint8), "transpose"),
        (np.zeros((0, 4, 3), np.uint8), "not empty"),
        (None, "height, width, 3"),
        (Image.new("L", (4, 4)), r"convert\('RGB'\)"),
    ],
    ids=["grey", "rgba", "float", "channels first", "empty", "None", "PIL grey"],
)
def test_anything_else_is_a_value_error_with_the_cure(green, image, cure):
    with pytest.raises(ValueError, match=cure):
        green(image)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_alpha_has_the_images_size_and_stays_in_zero_to_one(green, height, width, seed):
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    frame[..., 1] |= 128  # often somebody there
    alpha = green(frame)
    assert alpha.shape == (height, width)
    assert alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_nobody_is_an_empty_mask_not_a_stretched_one(green, portrait):
    portrait[24:, 40:120] = (100, 140, 100)  # green enough for an alpha of 0.31, no more
    mask = green.mask(portrait)
    assert 0.2 < green.presence(mask) < PRESENT
    assert not green(portrait).any()


def test_presence_is_the_mean_of_the_surest_hundredth():
    mask = np.zeros((100, 100), np.float32)
    assert Segmenter.presence(mask) == 0
    mask[0, :50] = 1
    assert Segmenter.presence(mask) == pytest.approx(0.5)
    mask[0] = 1
    assert Segmenter.presence(mask) == 1
    assert Segmenter.presence(np.ones((1, 1), np.float32)) == 1


def test_presence_is_the_same_for_a_mask_at_any_size():
    mask = np.zeros((128, 128), np.float32)
    mask[30:60, 30:60] = 0.8
    large = np.kron(mask, np.ones((16, 16), np.float32))
    assert Segmenter.presence(large) == pytest.approx(Segmenter.presence(mask), abs=0.01)


def test_cut_gives_straight_alpha_or_a_picture_on_a_background(shipped, portrait):
    cutout = fastportrait.cut(portrait)
    assert cutout.shape == (96, 160, 4)
    assert cutout.dtype == np.uint8
    assert cutout[60, 80, 3] == 255
    assert np.abs(cutout[60, 80, :3].astype(int) - (20, 220, 40)).max() <= 3
    assert cutout[5, 5, 3] == 0
    on_blue = fastportrait.cut(portrait, (0, 0, 255))
    assert on_blue.shape == (96, 160, 3)
    assert np.abs(on_blue[5, 5].astype(int) - (0, 0, 255)).max() <= 1


def test_a_model_is_a_shipped_name_or_a_file(shipped, green_model):
    assert Segmenter().engine.card["network"] == "green"
    assert Segmenter("small").engine.size == (64, 64)
    assert Segmenter(str(green_model)).engine.size == (64, 64)
    assert [card["name"] for card in fastportrait.list_models()] == ["small"]


def test_a_misspelt_model_is_named_and_corrected(shipped):
    with pytest.raises(ValueError, match=r"'smal'.*did you mean 'small'"):
        Segmenter("smal")


def test_a_damaged_shipped_model_is_not_run(shipped):
    data = bytearray((shipped / "small.onnx").read_bytes())
    data[-1] ^= 1
    (shipped / "small.onnx").write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged.*reinstall"):
        Segmenter()
    (shipped / "small.onnx").unlink()
    with pytest.raises(ValueError, match=r"missing.*reinstall"):
        Segmenter()


def test_an_engine_that_is_absent_is_an_error_not_another_engine(green_model, tmp_path):
    with pytest.raises(ModelError, match=r"no engine 'tpu'; there are onnx"):
        Segmenter(green_model, engine="tpu")
    other = tmp_path / "a.weights"
    other.touch()
    with pytest.raises(ModelError, match=r"no engine for the ending '\.weights'"):
        Segmenter(other)


def test_a_missing_extra_is_named(green_model, monkeypatch):
    from importlib.metadata import EntryPoint

    point = EntryPoint("safetensors", "package_that_is_not_there:Engine", "fastportrait.engines")
    monkeypatch.setattr("fastportrait.engines.available", lambda: {"safetensors": point})
    with pytest.raises(ModelError, match=r"not installed.*pip install 'fastportrait\[nets\]'"):
        open_engine(green_model, engine="safetensors")


def test_whatever_an_engine_raises_over_a_file_is_one_clear_line(green_model, monkeypatch):
    from importlib.metadata import EntryPoint

    point = EntryPoint("other", "decimal:Decimal", "fastportrait.engines")  # takes no such arguments
    monkeypatch.setattr("fastportrait.engines.available", lambda: {"other": point})
    with pytest.raises(ModelError, match=r"green\.onnx: the engine 'other' cannot load it"):
        open_engine(green_model, engine="other")


@pytest.mark.parametrize("threads", [0, -2])
def test_threads_start_at_one(green_model, threads):
    with pytest.raises(ValueError, match="at least 1"):
        Segmenter(green_model, threads=threads)


def test_what_is_no_model_is_one_clear_line(tmp_path):
    for data in (b"", b"hello", bytes(1000), b"\x08\x07"):
        path = tmp_path / "bad.onnx"
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"bad\.onnx") as caught:
            OnnxEngine(path)
        assert "\n" not in str(caught.value)


def test_a_network_with_other_inputs_is_refused_with_what_it_has(tmp_path, green_model):
    model = onnx.load(green_model)
    model.graph.input[0].name = model.graph.node[0].input[0] = "x"
    onnx.save(model, tmp_path / "x.onnx")
    with pytest.raises(
        ModelError, match=r"has x tensor\(float\) \[1, 3, 64, 64\].*must have one input image"
    ):
        OnnxEngine(tmp_path / "x.onnx")


def test_a_card_is_optional_but_not_broken(tmp_path, green_model):
    assert OnnxEngine(write_model(tmp_path / "a.onnx", None)).card == {}
    model = onnx.load(green_model)
    model.metadata_props[0].value = "[1, 2"
    onnx.save(model, tmp_path / "b.onnx")
    with pytest.raises(ModelError, match="not a JSON object"):
        OnnxEngine(tmp_path / "b.onnx")


def test_a_model_with_weights_in_another_file_is_refused(tmp_path, green_model):
    model = onnx.load(green_model)
    onnx.save(model, tmp_path / "a.onnx", save_as_external_data=True, location="a.bin", size_threshold=0)
    with pytest.raises(ModelError, match="external data"):
        OnnxEngine(tmp_path / "a.onnx")
    secret = model.graph.initializer[0]
    secret.ClearField("raw_data")
    secret.data_location = onnx.TensorProto.EXTERNAL
    secret.external_data.add(key="location", value="../../../../etc/passwd")
    onnx.save(model, tmp_path / "b.onnx")
    with pytest.raises(ModelError, match="external data"):
        OnnxEngine(tmp_path / "b.onnx")


def test_logits_are_not_taken_for_alpha(tmp_path, green_model, portrait):
    model = onnx.load(green_model)
    model.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(np.float32(-9), "low"))
    model.graph.initializer[2].CopyFrom(onnx.numpy_helper.from_array(np.float32(9), "high"))
    onnx.save(model, tmp_path / "logits.onnx")
    with pytest.raises(ModelError, match=r"alpha runs from .*must stay in 0\.\.1"):
        Segmenter(tmp_path / "logits.onnx")(255 - portrait)


@pytest.mark.skipif(not (weights.FOLDER / "small.onnx").exists(), reason="no shipped model in this checkout")
def test_the_shipped_models_are_what_their_cards_say():
    for card in fastportrait.list_models():
        path = weights.verified(card)
        assert path.stat().st_size == card["bytes"]
        assert OnnxEngine(path).size == tuple(card["size"])
        assert card["terms"]
