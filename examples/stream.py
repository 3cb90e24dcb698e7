import numpy as np
from PIL import Image

import fastportrait

photo = np.asarray(Image.open("examples/astronaut.jpg").convert("RGB"))
stream = fastportrait.Segmenter().stream()
for right in range(0, 48, 4):  # a camera that pans; yours gives frames of its own
    frame = photo[:, right : right + photo.shape[1] - 48]
    alpha = stream(frame)  # (H, W) float32 in [0, 1]
Image.fromarray(fastportrait.composite(frame, alpha, (0, 120, 60))).save("last.png")
