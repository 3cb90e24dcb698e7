"""The founding nineteen pass the gate in every light format: minutes, for each is converted three times."""

import pytest

from fastportrait.export import target, write
from fastportrait.export.filled import filled
from fastportrait.export.pictures import Pictures, figures
from fastportrait.nets import ZOO

NINETEEN = (
    *("mobilenetv1", "mobilenetv2", "shufflenetv1", "shufflenetv2", "condensenet", "xception", "unet"),
    *("skipnet", "deeplabv3-mobilenetv2", "deeplabv3plus-phone", "fastdeepmatting", "denseaspp-phone"),
    *("dfn-lite", "erfnet", "enet", "segnet", "icnet", "shuffleseg", "espnet"),
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the converters' own, of each other and of torch
]
PACKAGES = {"onnx": "onnxscript", "ncnn": "pnnx", "coreml": "coremltools"}


@pytest.mark.parametrize("to", PACKAGES)
@pytest.mark.parametrize("name", NINETEEN)
def test_the_file_gives_the_networks_masks(name, to, tmp_path):
    pytest.importorskip(PACKAGES[to])
    try:
        target(to)
    except ModuleNotFoundError:
        pytest.skip(f"this checkout has no {to}")
    card = ZOO[name]
    pictures = Pictures("2 drawn figures", figures(2, card.smallest))
    write(filled(card), card.smallest, {"network": name}, name, tmp_path, to=to, pictures=pictures)
    assert list(tmp_path.glob(f"{name}.*"))
