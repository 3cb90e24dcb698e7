"""Small shards for the tests: figures of one colour before others, in the layout of the real ones."""

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np

SIDE = 96


def figure(random):
    """(SIDE, SIDE, 3) uint8 RGB and its alpha: a warm figure before a cold background."""
    background = random.integers(0, 110, (4, 4, 3), np.uint8)
    image = cv2.resize(background, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    x, y = (int(v) for v in random.integers(30, 66, 2))
    cv2.ellipse(alpha, (x, SIDE), (30, 50), 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.circle(alpha, (x, y), 16, 255, -1, cv2.LINE_AA)
    colour = np.array([220, 180, 60]) + random.integers(-30, 30, 3)
    share = alpha[:, :, None] / 255
    return np.asarray(image * (1 - share) + colour * share, np.uint8), alpha


def write_shard(path: Path, samples):
    """`samples`: (key, image, alpha or None, meta)."""
    with tarfile.open(path, "w") as tar:
        for key, image, alpha, meta in samples:
            parts = {
                "jpg": cv2.imencode(".jpg", image[..., ::-1])[1].tobytes(),
                "json": json.dumps(meta).encode(),
            }
            if alpha is not None:
                parts["png"] = cv2.imencode(".png", alpha)[1].tobytes()
            for ending, data in parts.items():
                entry = tarfile.TarInfo(f"{key}.{ending}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))


def write_data(folder: Path, seed=0):
    """Eight training figures of two sources, two to validate on, two scenes without figures."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    train = []
    for i in range(8):
        image, alpha = figure(random)
        meta = {
            "source": "studio" if i < 4 else "web",
            "mask": "alpha" if i < 4 else "pseudo",
            "composite": i < 4,
        }
        train.append((f"p{i}", image, alpha, meta | ({"group": "g", "agreement": 0.95} if i >= 4 else {})))
    write_shard(folder / "train-000.tar", train)
    meta = {"source": "web", "mask": "binary", "composite": False}
    write_shard(folder / "val-000.tar", [(f"v{i}", *figure(random), meta) for i in range(2)])
    scenes = [random.integers(0, 110, (4, 4, 3), np.uint8) for _ in range(2)]
    scenes = [cv2.resize(s, (SIDE, SIDE + 20), interpolation=cv2.INTER_CUBIC) for s in scenes]
    write_shard(
        folder / "background-000.tar", [(f"b{i}", s, None, {"source": "wall"}) for i, s in enumerate(scenes)]
    )
    return folder
