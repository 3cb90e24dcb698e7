"""The README's picture, from the demo portrait: `python scripts/picture.py`."""

from pathlib import Path

import numpy as np

import fastportrait
from fastportrait import compose
from fastportrait.media import images

ROOT = Path(__file__).parents[1]
CELL = 16


def checks(height: int, width: int) -> np.ndarray:
    """The chequered grey that stands for transparency, (height, width, 3) uint8."""
    dark = (np.add.outer(np.arange(height) // CELL, np.arange(width) // CELL) % 2).astype(np.uint8)
    return np.repeat((255 - 51 * dark)[:, :, None], 3, axis=2)


def main() -> None:
    photo = images.read(ROOT / "examples" / "astronaut.jpg").frame
    alpha = fastportrait.Segmenter()(photo)
    strip = [photo]
    for background in (checks(*alpha.shape), (42, 111, 151), "blur"):
        strip.append(compose.composite(photo, alpha, background))
    images.write(ROOT / "docs" / "demo.jpg", np.hstack(strip))


if __name__ == "__main__":
    main()
