"""VideoMatte240K: foregrounds and alphas of people before a green screen, as folders of frames or as videos.

Of each clip every 24th frame is taken: neighbours teach nothing new, and there are 240,000.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ...media import images
from .folders import by_stem
from .item import Item, Pair, Pixels, Set, grey, held_out, needed

EVERY = 24
VIDEOS = (".mp4", ".mov", ".avi", ".mkv")


def find(folder: Path) -> list[Item]:
    needed(folder, VIDEOMATTE.layout, "train/fgr", "train/pha")
    items = []
    for part in ("train", "test"):
        top = folder / part
        for clip in sorted((top / "fgr").iterdir()) if (top / "fgr").is_dir() else []:
            if clip.name.startswith(".") or not (clip.is_dir() or clip.suffix.lower() in VIDEOS):
                continue
            name = f"{part}/{clip.stem}"
            read = partial(frames if clip.is_dir() else film, name, clip, top / "pha" / clip.name)
            items.append(Item(name, part if part == "test" else held_out(name, 0.05), read, group=name))
    return items


def frames(name: str, fgr: Path, pha: Path) -> Iterator[Pair]:
    """Two folders with a picture a frame, of the same names."""
    alphas = by_stem(pha) if pha.is_dir() else {}
    for stem, path in list(by_stem(fgr).items())[::EVERY]:
        if stem not in alphas:
            raise ValueError(f"{path.parent.name}/{path.name} has no alpha in pha")
        yield matched(f"{name}#{stem}", images.read(path).frame, grey(alphas[stem]))


def film(name: str, fgr: Path, pha: Path) -> Iterator[Pair]:
    """Two videos, frame by frame; OpenCV brings its own decoder."""
    videos = [cv2.VideoCapture(str(path)) for path in (fgr, pha)]
    try:
        if not all(video.isOpened() for video in videos):
            closed = [
                str(path) for path, video in zip((fgr, pha), videos, strict=True) if not video.isOpened()
            ]
            raise ValueError(f"{closed[0]} cannot be opened as a video")
        at = 0
        while videos[0].grab() and videos[1].grab():
            if at % EVERY == 0:
                image, alpha = (np.asarray(video.retrieve()[1], np.uint8) for video in videos)
                yield matched(f"{name}#{at:05d}", np.ascontiguousarray(image[:, :, ::-1]), alpha[:, :, 1])
            at += 1
        if at == 0:
            raise ValueError(f"{fgr.name} has no frames that can be decoded")
    finally:
        for video in videos:
            video.release()


def matched(name: str, image: Pixels, alpha: Pixels) -> Pair:
    if image.shape[:2] != alpha.shape:
        raise ValueError(f"{name}: foreground {image.shape[:2]}, alpha {alpha.shape}")
    return Pair(name, image, np.ascontiguousarray(alpha))


VIDEOMATTE = Set(
    title="VideoMatte240K (Lin et al. 2021), every 24th frame",
    link="https://grail.cs.washington.edu/projects/background-matting-v2/#/datasets",
    terms="VideoMatte240K: see the data sets page of Background Matting V2; research",
    layout="{train,test}/fgr/CLIP.mp4 {train,test}/pha/CLIP.mp4, or folders CLIP/ of frames in their places",
    split="test as published; val: a twentieth of the train clips, by a hash of the name; train: the rest",
    mask="alpha",
    kind="green_screen",
    find=find,
    composite=True,
    expected=484,
    source="Lin et al. 2021 (clips)",
)
