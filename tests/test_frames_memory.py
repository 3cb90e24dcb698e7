"""A camera runs for hours: masks of many frames take no more memory than those of a few."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

GROWTH = """
import sys
from pathlib import Path

import numpy as np

from fastportrait import Segmenter


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


segmenter, portrait = Segmenter(sys.argv[1], threads=1), np.load(sys.argv[2])
frames = [np.roll(portrait, shift, axis=1) for shift in range(0, 40, 8)]  # edges at five places
for turn in range(1_000):
    segmenter(frames[turn % 5])
before = resident()
for turn in range(10_000):
    alpha = segmenter(frames[turn % 5])
assert alpha.max() > 0.9
print(resident() - before)
"""
"""In a process of its own: what other tests left behind in this one moves about."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux tells it")
def test_ten_thousand_frames_take_no_more_memory_than_a_thousand(green_model, portrait, tmp_path):
    np.save(tmp_path / "portrait.npy", portrait)
    command = [sys.executable, "-c", GROWTH, str(green_model), str(tmp_path / "portrait.npy")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 4  # MB: ten thousand masks are 614
