"""What the tests share: a network whose mask anyone can work out, and pictures for it."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SIZE = (64, 64)


def write_model(
    path: Path, card: dict[str, object] | None, *, size: tuple[int, int] = SIZE, gain: float = 2.0
) -> Path:
    """A portrait network without training: alpha = clip(gain * (green - red), 0, 1) in every pixel."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    height, width = size
    weight = np.array([-gain, gain, 0], np.float32).reshape(1, 3, 1, 1)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["difference"]),
            helper.make_node("Clip", ["difference", "low", "high"], ["alpha"]),
        ],
        "green",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, height, width])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.float32(0), "low"),
            numpy_helper.from_array(np.float32(1), "high"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if card is not None:
        helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def green_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file for which what is green is a person."""
    pytest.importorskip("onnx")
    card = {"network": "green", "size": list(SIZE), "terms": "none", "scores": {}}
    return write_model(tmp_path_factory.mktemp("model") / "green.onnx", card)


@pytest.fixture
def portrait() -> NDArray[np.uint8]:
    """A green block, rows 24 to 96 and columns 40 to 120, on grey: (96, 160, 3)."""
    frame = np.full((96, 160, 3), 128, np.uint8)
    frame[24:, 40:120] = (20, 220, 40)
    return frame
