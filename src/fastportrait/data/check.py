"""What spoils training, found in shards: broken pairs, doubtful masks, doubles, leaks, lopsided sources."""

import json
import os
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import click
import numpy as np
from numpy.typing import NDArray

from .fingerprint import fingerprint, near_duplicates
from .shards import Sample, decode, read_parts

PEOPLE_FREE = ("background", "empty")
"""Splits whose pictures have no mask."""
MASKS = ("alpha", "refined", "binary", "polygon", "pseudo")
CUT_OFF = "shard cannot be read to its end"
FULL = 0.97
"""Share of person above which a mask is doubted."""


class Look(NamedTuple):
    """One sample, as far as it could be read."""

    split: str
    key: str
    meta: dict[str, Any]
    wrong: list[tuple[str, str]]
    """(what, why), errors."""
    doubtful: list[tuple[str, str]]
    covered: float
    """Share of person; nan without a mask."""
    hash: np.uint64
    thumbnail: NDArray[np.uint8]


def check(folder: Path, progress: TextIO) -> dict[str, Any]:
    """Reads all shards of `folder`. Plain values: `splits` (split -> source -> counts), `errors`, `warnings`.

    An entry of `errors` and `warnings` has `what`, `count` and up to ten `examples`. `ValueError` without
    shards.
    """
    tars = sorted(folder.glob("*-[0-9]*.tar"))
    if not tars:
        raise ValueError(f"{folder}: no shards (train-000.tar, val-000.tar, ...)")
    with (
        ThreadPoolExecutor() as pool,
        click.progressbar(
            pool.map(look_through, tars), length=len(tars), label="check", file=progress
        ) as bar,
    ):
        looks = [one for part in bar for one in part]
    wrong: dict[str, list[str]] = defaultdict(list)
    doubtful: dict[str, list[str]] = defaultdict(list)
    for one in looks:
        for into, found in ((wrong, one.wrong), (doubtful, one.doubtful)):
            for what, why in found:
                into[what].append(f"{one.split} {one.key}: {why}")
    _inverted_sources(looks, wrong)
    _keys(looks, wrong)
    _doubles(looks, wrong, doubtful)
    _groups(looks, wrong)
    return {
        "folder": str(folder),
        "pictures": len(looks),
        "splits": balance(looks),
        "errors": listed(wrong),
        "warnings": listed(doubtful),
    }


def listed(found: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [{"what": what, "count": len(each), "examples": each[:10]} for what, each in found.items()]


def look_through(tar: Path) -> list[Look]:
    split = tar.stem.rpartition("-")[0]
    looks = []
    try:
        for key, parts in read_parts(tar):
            looks.append(look(tar, split, key, parts))
    except Exception as error:  # a cut-off tar raises tarfile's errors, EOFError or OSError
        looks.append(_unread(split, tar.name, CUT_OFF, str(error)))
    else:
        if not ends(tar):
            looks.append(
                _unread(split, tar.name, CUT_OFF, "it has no end mark: cut off, or still being written")
            )
    return looks


def ends(tar: Path) -> bool:
    """Whether the two empty blocks that end a tar are there; tarfile does not miss them."""
    with tar.open("rb") as file:
        file.seek(-min(1024, tar.stat().st_size), os.SEEK_END)
        return file.read() == bytes(1024)


def look(tar: Path, split: str, key: str, parts: dict[str, bytes]) -> Look:
    try:
        sample = decode(tar, key, parts)
    except json.JSONDecodeError as error:
        return _unread(split, key, "broken .json", str(error))
    except ValueError as error:
        return _unread(split, key, "unreadable or misaligned pair", str(error))
    wrong, doubtful = _meta(split, sample), list[tuple[str, str]]()
    covered = float("nan")
    if sample.alpha is not None:
        covered = float(sample.alpha.mean() / 255)
        _mask(split, sample.alpha, covered, wrong, doubtful)
    elif split not in PEOPLE_FREE:
        wrong.append(("no mask", f"{split} needs a .png"))
    return Look(split, key, sample.meta, wrong, doubtful, covered, *fingerprint(sample.image))


def _unread(split: str, key: str, what: str, why: str) -> Look:
    return Look(split, key, {}, [(what, why)], [], float("nan"), np.uint64(0), np.zeros((0, 16, 3), np.uint8))


def _meta(split: str, sample: Sample) -> list[tuple[str, str]]:
    meta, wrong = sample.meta, []
    if not meta.get("source"):
        wrong.append(("no source", "its .json has no `source`"))
    if split not in PEOPLE_FREE and meta.get("mask") not in MASKS:
        wrong.append(("unknown kind of mask", f"{meta.get('mask')!r} is none of {', '.join(MASKS)}"))
    if meta.get("mask") == "pseudo" and not isinstance(meta.get("agreement"), float | int):
        wrong.append(("pseudo mask without agreement", "training weighs it by `agreement`"))
    return wrong


def _mask(
    split: str,
    alpha: NDArray[np.uint8],
    covered: float,
    wrong: list[tuple[str, str]],
    doubtful: list[tuple[str, str]],
) -> None:
    most = int(alpha.max())
    if split in PEOPLE_FREE:
        if most > 127:
            wrong.append(("mask of a person in a split without people", f"{covered:.0%} person"))
    elif most == 0:
        wrong.append(("empty mask", "nobody; without people a picture belongs into `background`"))
    elif most < 128:
        wrong.append(("mask too dark", f"its highest value is {most}; 255 is person"))
    elif covered > FULL:
        doubtful.append(("nearly full mask", f"{covered:.1%} person"))
    elif inverted(alpha):
        doubtful.append(("looks inverted", "person at the upper border, background within"))
    elif covered < 0.01:
        doubtful.append(("tiny person", f"{covered:.2%} of the picture"))


def inverted(alpha: NDArray[np.uint8]) -> bool:
    """Whether person lies along the upper half of the border, where walls are, and little in the middle."""
    height, width = alpha.shape
    rim_y, rim_x = max(1, height // 20), max(1, width // 20)
    rim = np.concatenate(
        [alpha[:rim_y].ravel(), alpha[: height // 2, :rim_x].ravel(), alpha[: height // 2, -rim_x:].ravel()]
    )
    middle = alpha[height // 4 : -(height // 4), width // 4 : -(width // 4)]
    return bool(rim.mean() > 191 and middle.size > 0 and middle.mean() < 0.6 * rim.mean())


def _inverted_sources(looks: list[Look], wrong: dict[str, list[str]]) -> None:
    """A few such masks may be right; of half of a source they are not."""
    total = Counter(one.meta.get("source") for one in looks if not np.isnan(one.covered))
    odd = Counter(
        one.meta.get("source") for one in looks if any(w == "looks inverted" for w, _ in one.doubtful)
    )
    for source, count in odd.items():
        if count > total[source] / 2:
            wrong["inverted masks"].append(f"{source}: {count} of {total[source]}; 255 must be person")


def _keys(looks: list[Look], wrong: dict[str, list[str]]) -> None:
    seen: dict[str, str] = {}
    for one in looks:
        if one.key in seen:
            wrong["key used twice"].append(f"{one.key}: in {seen[one.key]} and in {one.split}")
        seen.setdefault(one.key, one.split)


def _doubles(looks: list[Look], wrong: dict[str, list[str]], doubtful: dict[str, list[str]]) -> None:
    whole = [one for one in looks if one.thumbnail.shape[0]]
    if not whole:
        return
    hashes = np.array([one.hash for one in whole], np.uint64)
    for a, b in near_duplicates(hashes, np.stack([one.thumbnail for one in whole])):
        first, second = whole[a], whole[b]
        text = f"{first.split} {first.key} = {second.split} {second.key}"
        if first.split != second.split:
            wrong["nearly the same picture in two splits"].append(text)
        elif first.meta.get("group") is None or first.meta.get("group") != second.meta.get("group"):
            doubtful["nearly the same picture twice in a split"].append(text)
        else:
            doubtful["nearly the same picture twice in a group"].append(text)


def _groups(looks: list[Look], wrong: dict[str, list[str]]) -> None:
    """One group is often one person, or one video."""
    where: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in looks:
        if one.meta.get("group"):
            where[str(one.meta.get("source")), str(one.meta["group"])].add(one.split)
    for (source, group), splits in where.items():
        if len(splits) > 1:
            wrong["group in two splits"].append(f"{source} {group}: {', '.join(sorted(splits))}")


def balance(looks: list[Look]) -> dict[str, dict[str, dict[str, Any]]]:
    """split -> source -> pictures, kinds of mask, and how much of them is person."""
    groups: dict[tuple[str, str], list[Look]] = defaultdict(list)
    for one in looks:
        groups[one.split, str(one.meta.get("source", "?"))].append(one)
    table: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for (split, source), members in sorted(groups.items()):
        covered = np.array([one.covered for one in members if not np.isnan(one.covered)])
        table[split][source] = {
            "pictures": len(members),
            "masks": dict(Counter(str(one.meta["mask"]) for one in members if one.meta.get("mask"))),
            "person": round(float(covered.mean()), 4) if len(covered) else None,
            "small": round(float((covered < 0.1).mean()), 4) if len(covered) else None,
            "large": round(float((covered > 0.6).mean()), 4) if len(covered) else None,
        }
    return dict(table)


def text(found: dict[str, Any]) -> str:
    """What `check` found, for a reader in a terminal."""
    rows = [("split", "source", "pictures", "person", "< 10 %", "> 60 %", "masks")]
    for split, sources in found["splits"].items():
        for source, row in sources.items():
            shares = ("" if row[k] is None else f"{row[k]:.0%}" for k in ("person", "small", "large"))
            masks = ", ".join(f"{mask} {count}" for mask, count in row["masks"].items())
            rows.append((split, source, str(row["pictures"]), *shares, masks))
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            c.ljust(w) if i in (0, 1, 6) else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, wide, strict=True))
        )
        for row in rows
    ]
    for level in ("errors", "warnings"):
        for entry in found[level]:
            lines.append(f"\n{level[:-1]}: {entry['what']}: {entry['count']}")
            lines += [f"  {example}" for example in entry["examples"]]
            if entry["count"] > len(entry["examples"]):
                lines.append(f"  and {entry['count'] - len(entry['examples'])} more")
    errors, warnings = (sum(entry["count"] for entry in found[level]) for level in ("errors", "warnings"))
    return "\n".join([*lines, "", f"{found['pictures']} pictures: {errors} errors, {warnings} warnings"])
