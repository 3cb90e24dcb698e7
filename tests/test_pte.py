"""A .pte file where ExecuTorch is missing. What it does where it is there: test_export_executorch.py."""

import sys

import pytest

from fastportrait import Segmenter


def test_without_executorch_the_error_says_what_to_install(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    path = tmp_path / "small.pte"
    path.write_bytes(b"any")
    for name in [name for name in sys.modules if name.partition(".")[0] == "executorch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "executorch", None)
    monkeypatch.delitem(sys.modules, "fastportrait.nets.pte", raising=False)
    with pytest.raises(ValueError, match=r"pip install 'fastportrait\[export-executorch\]'"):
        Segmenter(path)
