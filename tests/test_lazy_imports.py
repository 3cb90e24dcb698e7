"""What is not asked for is not loaded, and masks never need torch."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "cv2", "PIL", "onnxruntime", "torch", "pytorch_lightning", "kornia"}


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh Python holds after `code`."""
    program = f"import sys\n{code}\nprint(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stderr.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import fastportrait; dir(fastportrait)") == set()


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["cut", "--help"], ["models", "--help"], ["doctor", "-h"]]
)
def test_help_and_version_load_nothing_heavy(words):
    code = f"from fastportrait.cli import main\nmain({words!r}, standalone_mode=False)"
    assert loaded_by(code) == set()


def test_a_misspelt_command_is_corrected_without_loading_anything_heavy():
    code = """
import click
from fastportrait.cli import main
try:
    main(["cutt"], standalone_mode=False)
except click.UsageError as error:
    assert "'cut'" in error.message, error.message
"""
    assert loaded_by(code) == set()


def test_the_python_face_loads_no_torch():
    code = "import fastportrait, fastportrait.media.images\nfastportrait.Segmenter, fastportrait.composite"
    assert not loaded_by(code + "\nimport fastportrait.engines.onnx") & {
        "torch",
        "pytorch_lightning",
        "kornia",
    }


def test_the_list_of_models_loads_no_runtime():
    assert "onnxruntime" not in loaded_by("import fastportrait; fastportrait.list_models()")
