import numpy as np
from PIL import Image

import fastportrait

photo = np.asarray(Image.open("examples/astronaut.jpg").convert("RGB"))
Image.fromarray(fastportrait.cut(photo)).save("cutout.png")
