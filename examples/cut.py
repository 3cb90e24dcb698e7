from PIL import Image

import fastportrait

photo = Image.open("examples/astronaut.jpg").convert("RGB")
Image.fromarray(fastportrait.cut(photo)).save("cutout.png")
