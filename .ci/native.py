"""The mask that examples/native wrote for a vector's frame against Python's: .ci/native.py FOLDER"""

import sys
from pathlib import Path

import cv2
import numpy as np

from fastportrait.segmenter import Segmenter
from fastportrait.transform import resize

folder = Path(sys.argv[1])
frame = np.asarray(cv2.imread(str(folder / "vectors" / "1-frame.png"), cv2.IMREAD_COLOR_RGB), np.uint8)
made = np.asarray(cv2.imread(str(folder / "mask.png"), cv2.IMREAD_UNCHANGED))
assert made.shape == frame.shape[:2], f"the mask is {made.shape}, the frame {frame.shape}"
here = resize(Segmenter(folder / "small.ncnn.param", threads=1).mask(frame), (frame.shape[0], frame.shape[1]))
far = np.abs(made / np.float32(255) - here)
print(f"alpha differs by {far.max():.4f} at most, {far.mean():.5f} in the mean")
assert far.max() < 0.1, "it is another mask"
assert far.mean() < 0.005, "it is another mask"
