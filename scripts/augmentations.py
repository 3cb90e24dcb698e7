"""The page that shows what each augmentation step does: `python scripts/augmentations.py`.

Draws docs/augmentation.md and docs/augmentation.jpg from the public-domain demo portrait, cut out by the
network that ships, and scenes made here.
"""

import re
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import torch

import fastportrait
from fastportrait.data.amounts import STANDARD, Amounts
from fastportrait.data.augment import batch
from fastportrait.data.memory import CANVAS, MASKS, Pictures
from fastportrait.media import images
from fastportrait.recipe import Recipe

ROOT = Path(__file__).parents[1]
SIZE, COLUMNS, LABEL = (104, 104), 5, 20
# What a step needs beside it to be seen.
WITH = {
    "clean": Amounts(paste=1.0),
    "match": Amounts(paste=1.0, clean=1.0),
    "several": Amounts(paste=0.5, clean=1.0),
}
BEFORE = """# Augmentation

What each step of a recipe's table `augment` does to one picture: as it is, then four drawn with that step
alone at 1. `python scripts/augmentations.py` draws this page from the demo portrait (public domain) before
scenes made there; the green line is the mask's edge, and where the demo's own mask is wrong (the helmet) it
stays wrong. The sentences are those of `src/fastportrait/data/amounts.py`.

![A strip of pictures for each step](augmentation.jpg)

| step | what it does | standard |
| - | - | - |
"""
AFTER = """
"Standard" is what a recipe without a table gets. A table is complete: `augment = { crop = 1, jpeg = 0.2 }`
switches everything else off. Every step draws from a random stream of its own, so a step that is off changes
nothing of what the others do, and two runs that differ in one step differ in nothing else.
"""


def pictures(frames: list[np.ndarray], alphas: list[np.ndarray]) -> Pictures:
    """Frames (H, W, 3) uint8 and alphas (H, W) in [0, 1], trusted, each as large as its canvas allows."""
    n = len(frames)
    extent = [min(CANVAS / max(f.shape[:2]), 1.0) * np.array(f.shape[:2]) for f in frames]
    image, alpha = np.zeros((n, CANVAS, CANVAS, 3), np.uint8), np.zeros((n, CANVAS, CANVAS), np.uint8)
    for i, (height, width) in enumerate(np.rint(extent).astype(int)):
        image[i, :height, :width] = cv2.resize(frames[i], (width, height), interpolation=cv2.INTER_AREA)
        alpha[i, :height, :width] = cv2.resize(alphas[i] * 255, (width, height), interpolation=cv2.INTER_AREA)
    return Pictures(
        image=torch.from_numpy(image).permute(0, 3, 1, 2).contiguous(),
        alpha=torch.from_numpy(alpha)[:, None],
        extent=torch.from_numpy(np.rint(extent)).float(),
        mask=torch.full((n,), MASKS.index("alpha")),
        composite=torch.zeros(n, dtype=torch.bool),
        trust=torch.ones(n),
        draw=torch.ones(n),
    )


def scene(random: np.random.Generator) -> np.ndarray:
    """A room of sorts: a wall in a soft light, a floor, some boxes."""
    room = np.full((288, 384, 3), random.integers(60, 220, 3), np.uint8)
    room = (room * np.linspace(*random.uniform(0.6, 1.0, 2), 384)[None, :, None]).astype(np.uint8)
    room[random.integers(190, 250) :] = random.integers(30, 160, 3)
    for _ in range(7):
        x, y, width, height = (int(v) for v in random.integers((0, 20, 20, 20), (360, 240, 110, 130)))
        colour = tuple(int(v) for v in random.integers(20, 235, 3))
        cv2.rectangle(room, (x, y), (x + width, y + height), colour, -1)
    return cv2.GaussianBlur(room, (0, 0), 1.5)


def strip(portraits: Pictures, scenes: Pictures, step: str) -> np.ndarray:
    """A row of COLUMNS cells: the picture as it is, then the step's with the mask's edge in green."""
    cells = [cell(portraits, scenes, Amounts(), 1, 0)[0]]
    if step:
        amounts = {f.name: getattr(WITH.get(step, Amounts()), f.name) for f in fields(Amounts)} | {step: 1.0}
        cells += cell(portraits, scenes, Amounts(**amounts), COLUMNS - 1, 1)
    return np.hstack(cells)


def cell(portraits: Pictures, scenes: Pictures, amounts: Amounts, count: int, seed: int) -> list[np.ndarray]:
    recipe = Recipe("small", 1, {}, size=SIZE, batch=count, augment=amounts)
    made = batch(portraits, scenes, recipe, torch.Generator().manual_seed(seed))
    cells = []
    for image, alpha in zip(made.image, made.alpha, strict=True):
        frame = np.rint(image.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        frame = np.ascontiguousarray(frame)
        edges, _ = cv2.findContours(
            (alpha[0].numpy() > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(frame, edges, -1, (60, 255, 60), 1)
        cells.append(cv2.copyMakeBorder(frame, 0, 2, 0, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)))
    return cells


def main() -> None:
    photo = images.read(ROOT / "examples" / "astronaut.jpg").frame
    alpha = np.asarray(fastportrait.Segmenter()(photo), np.float32)
    random = np.random.default_rng(4)
    rooms = [scene(random) for _ in range(6)]
    portraits = pictures([photo], [alpha])
    scenes = pictures(rooms, [np.zeros(room.shape[:2], np.float32) for room in rooms])
    steps = [f.name for f in fields(Amounts) if f.name != "whole"]
    strips = []
    for step in steps:
        made = strip(portraits, scenes, step)
        bar = np.full((LABEL, made.shape[1], 3), 255, np.uint8)
        cv2.putText(bar, step, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
        strips.append(np.vstack([bar, made]))
    half = (len(strips) + 1) // 2
    strips += [np.full_like(strips[0], 255)] * (2 * half - len(strips))
    page = np.hstack([np.vstack(strips[:half]), np.vstack(strips[half:])])
    done, file = cv2.imencode(".jpg", page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 45])
    assert done
    (ROOT / "docs" / "augmentation.jpg").write_bytes(file.tobytes())
    (ROOT / "docs" / "augmentation.md").write_text(BEFORE + table() + AFTER)


def table() -> str:
    """A line for each step: its name, the sentence below it in amounts.py, its standard amount."""
    source = (ROOT / "src/fastportrait/data/amounts.py").read_text()
    said = dict(re.findall(r"^    (\w+): float = 0\.0\n    \"\"\"(.*?)\"\"\"$", source, re.MULTILINE))
    return "".join(
        f"| `{f.name}` | {said[f.name]} | {getattr(STANDARD, f.name):g} |\n" for f in fields(Amounts)
    )


if __name__ == "__main__":
    main()
