"""Which picture or video becomes which file: folders mirrored, no name shared, no input written over."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import images, videos

ENDINGS = (*images.ENDINGS, *videos.ENDINGS)


@dataclass(frozen=True)
class Job:
    source: Path
    target: Path


def is_video(path: Path) -> bool:
    return path.suffix.lower() in videos.ENDINGS


def plan(inputs: Sequence[Path], out: Path, ending: str, videos_ending: str = ".webm") -> list[Job]:
    """The pictures and videos of files and folders, each with its own file below the folder `out`.

    A file goes to `out/NAME` + `ending`; a folder's tree is mirrored below `out` (below `out/FOLDER` where
    several folders are given). `ending` is what follows the name: ".png", "-mask.png". Where two of them
    would share a file, as me.jpg and me.png do, both keep their own ending: me.jpg.png, me.png.png.
    """
    several = sum(path.is_dir() for path in inputs) > 1
    found: dict[str, tuple[Path, Path]] = {}  # a picture named twice is cut out once
    for given in inputs:
        top = out / given.resolve().name if several else out
        pictures = walk(given, skip=out) if given.is_dir() else [given]
        for path in pictures:
            folder = top / path.parent.relative_to(given) if given.is_dir() else out
            found.setdefault(os.path.abspath(path), (path, folder))

    def target_of(path: Path, folder: Path, name: str) -> Path:
        return folder / (name + (videos_ending if is_video(path) else ending))

    shared = Counter(_key(target_of(path, folder, path.stem)) for path, folder in found.values())
    jobs, taken = [], set[str]()
    for path, folder in found.values():
        name = path.name if shared[_key(target_of(path, folder, path.stem))] > 1 else path.stem
        target, number = target_of(path, folder, name), 2
        while _key(target) in taken:
            target, number = target_of(path, folder, f"{name}-{number}"), number + 1
        taken.add(_key(target))
        jobs.append(Job(path, target))
    return jobs


def _key(path: Path) -> str:
    """Equal for names that some file systems take for one."""
    return str(path).casefold()


def walk(folder: Path, *, skip: Path) -> Iterator[Path]:
    """The pictures and videos below `folder` by their endings, in order, without hidden ones and `skip`.

    A folder that cannot be listed comes as a path itself, to fail where it is read. Links to folders are not
    followed: they may lead round in circles.
    """
    locked: list[Path] = []
    skipped = skip.resolve()
    for here, folders, files in os.walk(folder, onerror=lambda error: locked.append(Path(error.filename))):
        inner = (name for name in folders if not name.startswith("."))
        folders[:] = sorted(name for name in inner if (Path(here) / name).resolve() != skipped)
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS:
                yield Path(here) / name
    yield from locked


def identities(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """The files that exist among `paths`, as the file system tells them apart whatever they are called."""
    found = set()
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.add((status.st_dev, status.st_ino))
    return found
