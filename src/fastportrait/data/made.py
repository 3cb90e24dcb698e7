"""A small data set of drawn figures: enough to see that training and measuring run, without a download.

A figure has hair, a face, a neck, shoulders in a patterned shirt, now and then a raised hand; it stands
before a made-up room. Everything is drawn four times as large and shrunk: the alpha is soft and exact.
"""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .bring import Encoded, Shards, files

OVER = 4
"""How many times larger than the result things are drawn, each way."""
SOURCE = "figures"
Pixels = NDArray[np.uint8]
SKIN = ((244, 208, 177), (224, 172, 128), (198, 134, 91), (141, 85, 54), (92, 58, 40))
HAIR = ((30, 24, 22), (72, 48, 32), (140, 96, 48), (214, 180, 110), (120, 118, 116), (150, 60, 30))


def write_sample(out: Path, *, count: int = 64, side: int = 224, seed: int = 0) -> dict[str, int]:
    """Writes train, val, test and background shards into the new folder `out`; pictures of each split.

    The same arguments give the same pictures. `ValueError` where `out` has shards already.
    """
    if list(out.glob("*.tar")):
        raise ValueError(f"{out} has shards already: choose another --out")
    counts = {"train": count, "val": max(4, count // 4), "test": max(4, count // 8), "background": count // 2}
    work = out.parent / f".{out.name}.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        shards = Shards(work, 20_000_000)
        for number, (split, pictures) in enumerate(counts.items()):
            for i in range(pictures):
                random = np.random.default_rng((seed, number, i))
                name = f"{split}/{i:04d}"
                shards.add(Encoded(f"{SOURCE}-{split}-{i:04d}", split, name, _files(split, side, random)))
        shards.close()
        out.mkdir(parents=True, exist_ok=True)
        for tar in sorted(work.iterdir()):
            tar.replace(out / tar.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return counts


def _files(split: str, side: int, random: np.random.Generator) -> dict[str, bytes]:
    meta: dict[str, Any] = {
        "source": SOURCE,
        "composite": False,
        "terms": "drawn by fastportrait, no rights kept",
    }
    if split == "background":
        return files(finished(room(side, random), random), None, meta | {"kind": "room"})
    image, alpha = figure(side, random)
    return files(image, alpha, meta | {"kind": "figure", "mask": "alpha"})


def figure(side: int, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """(side, side, 3) RGB and the alpha (side, side) of one figure before a room."""
    canvas = room(side, random)
    alpha = np.zeros(canvas.shape[:2], np.uint8)
    full = canvas.shape[0]
    skin = np.array(SKIN[random.integers(len(SKIN))], float)
    hair = np.array(HAIR[random.integers(len(HAIR))], float)
    r = full * random.uniform(0.10, 0.2)
    x, y = full * random.uniform(0.35, 0.65), full * random.uniform(0.28, 0.45)

    def oval(cx: float, cy: float, rx: float, ry: float, colour: Any, turn: float = 0) -> None:
        centre, axes = (round(cx), round(cy)), (max(1, round(rx)), max(1, round(ry)))
        shade = tuple(float(c) for c in colour)
        cv2.ellipse(canvas, centre, axes, turn, 0, 360, shade, -1, cv2.LINE_AA)
        cv2.ellipse(alpha, centre, axes, turn, 0, 360, (255,), -1, cv2.LINE_AA)

    tall = random.uniform(1.1, 2.4) if random.random() < 0.5 else 1.0  # hair down to the shoulders, or short
    oval(x, y + (tall - 1) * r * 0.6, 1.22 * r, 1.35 * r * (0.6 + 0.4 * tall), hair * 0.8)
    _shirt(canvas, alpha, x, y + 2.7 * r, r, random)
    oval(x, y + 1.3 * r, 0.42 * r, 0.8 * r, skin * 0.85)
    oval(x, y, r, 1.28 * r, skin)
    oval(x, y - 0.85 * r, 1.02 * r, 0.55 * r, hair)
    for eye in (-0.38, 0.38):
        oval(x + eye * r, y - 0.05 * r, 0.16 * r, 0.09 * r, (250, 250, 250))
        oval(x + eye * r, y - 0.05 * r, 0.07 * r, 0.08 * r, (40, 30, 25))
    oval(x, y + 0.35 * r, 0.1 * r, 0.16 * r, skin * 0.9)
    oval(x, y + 0.72 * r, 0.32 * r, 0.08 * r, (170, 70, 70))
    for strand in random.uniform(-1, 1, (14, 2)):  # fine hair: what makes an alpha soft
        start = (round(x + strand[0] * r), round(y - 1.0 * r))
        end = (round(x + strand[0] * 1.5 * r), round(y + strand[1] * 0.9 * r - 0.6 * r))
        cv2.line(canvas, start, end, tuple(float(c) for c in hair), 2, cv2.LINE_AA)
        cv2.line(alpha, start, end, (255,), 2, cv2.LINE_AA)
    if random.random() < 0.3:
        hand = 1.9 if random.random() < 0.5 else -1.9
        oval(x + hand * r, y + 0.9 * r, 0.35 * r, 0.45 * r, skin, random.uniform(-30, 30))
        oval(x + hand * 1.05 * r, y + 2.2 * r, 0.32 * r, 1.2 * r, skin * 0.95, -hand * 4)
    return finished(canvas, random), _shrunk(alpha)


def _shirt(
    canvas: Pixels, alpha: Pixels, x: float, top: float, r: float, random: np.random.Generator
) -> None:
    mask = np.zeros_like(alpha)
    wide = r * random.uniform(2.0, 2.6)
    cv2.ellipse(mask, (round(x), round(top)), (round(wide), round(r)), 0, 180, 360, (255,), -1, cv2.LINE_AA)
    corners = np.array([[x - wide, top], [x + wide, top], [x + 1.05 * wide, 9e3], [x - 1.05 * wide, 9e3]])
    cv2.fillPoly(mask, [corners.round().astype(np.int32)], (255,), cv2.LINE_AA)
    one, other = random.integers(20, 236, (2, 3)).astype(float)
    at = np.indices(alpha.shape)[random.integers(2)]
    stripes = (at // max(2, round(r / random.uniform(1.5, 5)))) % 2 == 0
    cloth = np.where(stripes[:, :, None] & (random.random() < 0.6), other, one)
    share = mask[:, :, None] / 255
    canvas[:] = (canvas * (1 - share) + cloth * share).astype(np.uint8)
    np.maximum(alpha, mask, out=alpha)


def room(side: int, random: np.random.Generator) -> Pixels:
    """(OVER side, OVER side, 3): a wall whose light changes, and things of every colour on it."""
    full = side * OVER
    coarse = random.integers(30, 226, (3, 3, 3)).astype(np.uint8)
    wall = np.asarray(cv2.resize(coarse, (full, full), interpolation=cv2.INTER_CUBIC), np.uint8)
    for _ in range(random.integers(2, 9)):
        a, b = random.integers(-full // 8, full, (2, 2))
        colour = tuple(float(c) for c in random.integers(10, 246, 3))
        match random.integers(3):
            case 0:
                cv2.rectangle(wall, tuple(map(int, a)), tuple(map(int, a + b // 2)), colour, -1)
            case 1:
                cv2.circle(
                    wall, tuple(map(int, a)), int(full * random.uniform(0.03, 0.15)), colour, -1, cv2.LINE_AA
                )
            case _:
                thick = int(full * random.uniform(0.005, 0.04))
                cv2.line(wall, tuple(map(int, a)), tuple(map(int, b)), colour, max(1, thick), cv2.LINE_AA)
    return wall


def finished(canvas: Pixels, random: np.random.Generator) -> Pixels:
    """Shrunk, in some light, with a camera's noise."""
    light = random.uniform(0.6, 1.15) * random.uniform(0.92, 1.08, 3)
    small = _shrunk(canvas) * light
    noisy = small + random.normal(0, random.uniform(1, 6), small.shape)
    return np.asarray(noisy.clip(0, 255), np.uint8)


def _shrunk(pixels: Pixels) -> Pixels:
    size = (pixels.shape[1] // OVER, pixels.shape[0] // OVER)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
