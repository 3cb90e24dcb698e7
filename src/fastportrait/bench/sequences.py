"""Short videos with exact alpha, made from stills: the person moves before a scene, and the camera moves too.

A still's person, with colours spread past its edge, is warped as premultiplied colour beside its alpha, by
the same sub-pixel affine map, and laid over a warped scene: the alpha of every frame is exact by
construction. A person cut off by the still's border goes on beyond it. Each frame has sensor noise of its
own, since that is what makes a mask flicker on a camera at rest. What is left unlike a video: no limb moves
by itself, nothing is blurred by motion, and no codec has been at it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.shards import Sample, read
from ..metrics.masks import as_alpha
from ..metrics.motion import Affine
from ..transform import resize

CAMERA = {"pan": 0.03, "turn": 1.5, "zoom": 0.03}
"""Furthest from rest: a share of the picture's longer side, degrees, a share of the size."""
PERSON = {"pan": 0.02, "turn": 2.0, "zoom": 0.02}
PERIOD = 32
"""Frames of a whole sway: a second of video, about three pixels a frame at 512."""
NOISE = 2.0
"""Standard deviation, of 255."""
MARGIN = 1.2
"""How much larger than a frame the scene is."""


@dataclass(frozen=True)
class Motion:
    """How far person and camera go, as `CAMERA` says it, and how many frames a whole sway takes."""

    camera: dict[str, float]
    person: dict[str, float]
    period: int
    pause: int = 0
    """Frames for which everything stands still, after each half of a sway."""


SWAY = Motion(CAMERA, PERSON, PERIOD)
FAST = Motion(CAMERA, {"pan": 0.10, "turn": 6.0, "zoom": 0.04}, 20)
"""Somebody jumps from side to side: up to 16 pixels a frame at 512."""
PAUSES = Motion({"pan": 0, "turn": 0, "zoom": 0}, {"pan": 0.06, "turn": 3.0, "zoom": 0.02}, 24, pause=24)
"""A camera on a stand, and somebody who moves for half a second and then holds still for one."""


@dataclass(frozen=True)
class Sequence:
    key: str
    frames: NDArray[np.uint8]
    """(T, H, W, 3) RGB."""
    alphas: NDArray[np.float32]
    """(T, H, W) in [0, 1], exact."""
    places: list[Affine]
    """Where the still lies in each frame."""
    meta: dict[str, Any]


def sequences(
    folder: Path, split: str, frames: int, seed: int = 0, scenes: int = 50, motion: Motion = SWAY
) -> Iterator[Sequence]:
    """A sequence of every still of `split`, before the first `scenes` of the split `background` in turn.

    Raises `ValueError` where a still has no alpha or there are no scenes.
    """
    behind = [sample.image for sample in islice(read(folder, "background"), scenes)]
    for index, sample in enumerate(read(folder, split)):
        random = np.random.default_rng([seed, index])
        yield sequence(sample, behind[index % len(behind)], frames, random, motion)


def sequence(
    sample: Sample,
    scene: NDArray[np.uint8],
    frames: int,
    random: np.random.Generator,
    motion: Motion = SWAY,
) -> Sequence:
    """`frames` frames of the size of the still."""
    if sample.alpha is None:
        raise ValueError(f"{sample.key} has no alpha to make a sequence of")
    alpha = as_alpha(sample.alpha)
    height, width = alpha.shape
    front = spread(sample.image, alpha) * alpha[..., None]
    wide = _covering(scene, round(MARGIN * height), round(MARGIN * width))
    centred = np.array([[1, 0, (width - wide.shape[1]) / 2], [0, 1, (height - wide.shape[0]) / 2]])
    times = _times(motion, frames)
    camera, person = (_sway(most, times, random) for most in (motion.camera, motion.person))
    pictures, alphas, places = [], [], []
    for seen, moved in zip(camera, person, strict=True):
        view = _affine(seen, height, width)
        place = _after(view, _affine(moved, height, width))
        behind = cv2.warpAffine(wide, _after(view, centred), (width, height), borderMode=cv2.BORDER_REFLECT)
        colour = cv2.warpAffine(front, place, (width, height), borderMode=cv2.BORDER_REPLICATE)
        share = cv2.warpAffine(alpha, place, (width, height), borderMode=cv2.BORDER_REPLICATE)
        grain = random.standard_normal((height, width, 3), np.float32) * np.float32(NOISE)
        mixed = colour + (1 - share[..., None]) * behind + grain
        pictures.append(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))
        alphas.append(np.asarray(share, np.float32))
        places.append(place)
    return Sequence(sample.key, np.stack(pictures), np.stack(alphas), places, sample.meta)


def spread(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The person's colours, (H, W, 3) in 0..255, those of its solid part spread over its soft edge."""
    weight = (alpha > 0.95).astype(np.float32)
    colours, known = image * weight[..., None], weight.copy()
    for side in (3, 7, 15, 41, 101):
        near = cv2.blur(known, (side, side))
        fill = np.where((known < 0.5) & (near > 1e-3), 1 - known, 0).astype(np.float32)
        colours += fill[..., None] * cv2.blur(colours, (side, side)) / np.maximum(near, 1e-6)[..., None]
        known += fill
    return np.where(known[..., None] > 0.5, colours, image).astype(np.float32)


def _times(motion: Motion, frames: int) -> NDArray[np.float64]:
    """(T,) in whole sways; it stands at the end of each half for `pause` frames."""
    half = motion.period // 2
    half_done = np.minimum(np.arange(frames) % (half + motion.pause), half)
    return (np.arange(frames) // (half + motion.pause) * half + half_done) / motion.period


def _sway(
    most: dict[str, float], times: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """(T, 4): right, down, turn, zoom at each of `times`, on sines of random phase."""
    furthest = np.array([most["pan"], most["pan"], most["turn"], most["zoom"]])
    phase = random.uniform(0, 2 * np.pi, 4)
    return furthest * np.sin(2 * np.pi * times[:, None] + phase)


def _affine(move: NDArray[np.float64], height: int, width: int) -> Affine:
    """A row of `_sway` as a map of pixels, about the middle of the picture."""
    right, down, turn, zoom = (float(value) for value in move)
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, turn, 1 + zoom), np.float64)
    matrix[:, 2] += max(height, width) * np.array([right, down])
    return matrix


def _after(second: Affine, first: Affine) -> Affine:
    """The map that does `first`, then `second`."""
    return second @ np.vstack([first, [0, 0, 1]])


def _covering(scene: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    scale = max(height / scene.shape[0], width / scene.shape[1])
    size = (max(height, round(scene.shape[0] * scale)), max(width, round(scene.shape[1] * scale)))
    return np.asarray(resize(scene, size)[:height, :width], np.uint8)
