"""A camera runs for hours: masks of many frames take no more memory than those of a few."""

from pathlib import Path

import numpy as np
import pytest

from fastportrait import Segmenter


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux tells it")
def test_ten_thousand_frames_take_no_more_memory_than_a_thousand(green_model, portrait):
    segmenter = Segmenter(green_model, threads=1)
    frames = [np.roll(portrait, shift, axis=1) for shift in range(0, 40, 8)]  # edges at five places
    for turn in range(1_000):
        segmenter(frames[turn % 5])
    before = resident()
    for turn in range(10_000):
        alpha = segmenter(frames[turn % 5])
    assert alpha.max() > 0.9
    assert resident() - before < 4  # MB: ten thousand masks are 614
