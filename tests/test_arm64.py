"""Counting on the emulated machine: its parts here, the machine itself where it has been set up."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fastportrait.bench.arm64 import count, guest
from fastportrait.bench.arm64 import machine as emulated
from fastportrait.bench.contestants import contestant


def row(name, instructions):
    return {
        "name": name, "ours": True, "file": "f", "sha256": "0", "bytes": 1, "input": "64x64",
        "runtime": "onnx", "instructions": instructions, "memory_accesses": 1, "start": 1, "max_error": 0.0,
    }  # fmt: skip


def test_ratios_are_of_instructions_and_the_word_latency_is_denied():
    found = count.result([row("a", 50), row("b", 100)], "a")
    assert [r["ratio"] for r in found["models"]] == [1.0, 2.0]
    assert "not a latency" in found["protocol"]
    with pytest.raises(ValueError, match="--reference c: not among a, b"):
        count.result([row("a", 50), row("b", 100)], "c")


def test_an_output_that_differs_or_says_nothing_is_refused():
    here = np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 1, 4, 4)
    assert count.agreement(here, here + np.float32(1e-3), "net") == pytest.approx(1e-3, rel=1e-3)
    with pytest.raises(ValueError, match=r"differs by up to 0\.5"):
        count.agreement(here, here + 0.5, "net")
    with pytest.raises(ValueError, match="output is flat"):
        count.agreement(here * 0, here * 0, "net")
    with pytest.raises(ValueError, match=r"\(1, 1, 4, 4\) here"):
        count.agreement(here, here[0], "net")


def test_the_guest_s_own_script_runs_a_file_here_as_the_engine_does(green_model, tmp_path):
    one = contestant(str(green_model), 1, None)
    np.save(tmp_path / "image.npy", one.image)
    guest.main("onnx", str(green_model), str(tmp_path / "image.npy"), str(tmp_path / "alpha.npy"), "2")
    assert np.array_equal(np.load(tmp_path / "alpha.npy"), one.network())


def test_a_step_that_was_done_is_not_done_again_and_one_cut_off_is(tmp_path):
    done = []
    mark = tmp_path / "step.done"

    def fail():
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        emulated._step(mark, "version 1", fail)
    for what in ("version 1", "version 1", "version 2"):
        emulated._step(mark, what, lambda what=what: done.append(what))
    assert done == ["version 1", "version 2"]


def test_a_missing_program_is_said_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"needs gcc; run: apt-get install gcc libc6-dev"):
        emulated.need("gcc")
    with pytest.raises(ValueError, match="run it on Debian 12"):
        emulated.need("apt-get")


def test_the_folder_is_the_one_that_the_variable_names(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTPORTRAIT_ARM64", str(tmp_path))
    assert emulated.folder() == tmp_path
    assert emulated.folder(tmp_path / "given") == tmp_path / "given"


def test_the_pretended_processor_is_the_one_that_is_emulated(tmp_path):
    emulated._pretend(tmp_path)
    text = (tmp_path / "proc" / "cpuinfo").read_text()
    assert "0xd0b" in text  # Cortex-A76
    assert "asimddp" in text.split("Features")[1].split("\n")[0]
    assert (tmp_path / "sys/devices/system/cpu/possible").read_text() == "0\n"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc to compile the plugin with")
def test_the_plugin_compiles_without_a_warning(tmp_path):
    source = Path(count.__file__).with_name("icount.c")
    words = [
        "gcc",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fPIC",
        "-shared",
        "-o",
        str(tmp_path / "p.so"),
        str(source),
    ]
    assert subprocess.run(words, capture_output=True, text=True).stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("FASTPORTRAIT_ARM64"),
    reason="FASTPORTRAIT_ARM64 names no folder for the emulated machine; setting it up needs the network",
)
def test_counts_of_the_emulated_machine_repeat(green_model):
    there = emulated.machine(emulated.folder())
    one = contestant(str(green_model), 1, None)
    first, second = (count.count(one, there) for _ in range(2))
    assert first["max_error"] < 1e-5
    # One mask of this network is lost in what a process's start varies by: 0.3 % of a real one's was seen.
    assert abs(first["start"] - second["start"]) < 2e-3 * first["start"]
