"""COCO 2017, people: outlines and run lengths of the instances file as one mask a picture.

Which pictures: people as the subject. The largest person covers at least a twentieth of the picture; everyone
at least a quarter as large as the largest is a subject too, and the mask is the union of the subjects.
Passers-by are background, as in a portrait; a picture where they (a crowd's region among them) cover more
than a twentieth of what the subjects cover is left out: such pixels would be now person, now background.

Run lengths: https://cocodataset.org/#format-data. Columns first, first a run outside; as a string, each count
after the third is a difference to the one two before, in groups of five bits.
"""

import json
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .item import Item, Pixels, Set, needed, still

SMALLEST, SUBJECT, PASSERS_BY = 1 / 20, 1 / 4, 1 / 20


def find(folder: Path) -> list[Item]:
    needed(folder, COCO.layout, "annotations")
    items = []
    for part, split in (("train2017", "train"), ("val2017", "val")):
        file = folder / "annotations" / f"instances_{part}.json"
        if file.exists() and (folder / part).is_dir():
            items += _people(json.loads(file.read_text()), folder / part, split)
    if not items:
        raise ValueError(f"{folder}: no pictures of people; expected below it: {COCO.layout}")
    return items


def _people(instances: dict[str, Any], folder: Path, split: str) -> list[Item]:
    person = {c["id"] for c in instances["categories"] if c["name"] == "person"}
    people = defaultdict(list)
    for annotation in instances["annotations"]:
        if annotation["category_id"] in person:
            people[annotation["image_id"]].append(annotation)
    items = []
    for image in instances["images"]:
        size = (image["height"], image["width"])
        chosen = subjects(people[image["id"]], size)
        if chosen:
            name = f"{folder.name}/{Path(image['file_name']).stem}"
            shapes = [annotation["segmentation"] for annotation in chosen]
            read = still(name, folder / image["file_name"], partial(union, shapes, size))
            items.append(Item(name, split, read, kind="group_in_the_wild" if len(chosen) > 1 else ""))
    return items


def subjects(people: list[dict[str, Any]], size: tuple[int, int]) -> list[dict[str, Any]]:
    """The annotations whose union is the mask, none where the picture is left out; `size` (height, width)."""
    single = [person for person in people if not person["iscrowd"]]
    largest = max((person["area"] for person in single), default=0)
    if largest < SMALLEST * size[0] * size[1]:
        return []
    chosen = [person for person in single if person["area"] >= SUBJECT * largest]
    covered = sum(person["area"] for person in chosen)
    passing = sum(person["area"] for person in people) - covered
    return chosen if passing <= PASSERS_BY * covered else []


def union(shapes: list[Any], size: tuple[int, int]) -> Pixels:
    """(height, width), 255 where any of the segmentations is: lists of outlines, or run lengths."""
    mask = np.zeros(size, np.uint8)
    for shape in shapes:
        if isinstance(shape, dict):
            mask |= run_lengths(shape["counts"], size)
        else:
            for outline in shape:
                fill(mask, np.asarray(outline, np.float64).reshape(-1, 2))
    return mask


def fill(mask: Pixels, outline: np.ndarray, value: int = 255) -> None:
    """Sets what lies within the outline, (n, 2) as x, y with whole numbers at the corners of pixels."""
    points = np.round((outline - 0.5) * 16).astype(np.int32)  # OpenCV counts from the centres, in sixteenths
    cv2.fillPoly(mask, [points], (value,), shift=4)


def run_lengths(counts: list[int] | str, size: tuple[int, int]) -> Pixels:
    """(height, width), 255 within. `ValueError` where the runs do not fill the picture."""
    lengths = decode(counts) if isinstance(counts, str) else counts
    if sum(lengths) != size[0] * size[1] or min(lengths, default=0) < 0:
        raise ValueError(f"run lengths for {sum(lengths)} pixels in a picture of {size[1]} x {size[0]}")
    values = np.zeros(len(lengths), np.uint8)
    values[1::2] = 255
    return np.ascontiguousarray(np.repeat(values, lengths).reshape(size[1], size[0]).T)


def decode(text: str) -> list[int]:
    counts: list[int] = []
    at = 0
    while at < len(text):
        value, bits, more = 0, 0, True
        while more:
            if at == len(text):
                raise ValueError("run lengths that end within a number")
            code = ord(text[at]) - 48
            value |= (code & 31) << bits
            bits, at, more = bits + 5, at + 1, bool(code & 32)
        if code & 16:
            value -= 1 << bits
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


COCO = Set(
    title="COCO 2017, pictures whose subject is people",
    link="https://cocodataset.org/#download",
    terms="COCO: annotations CC BY 4.0; pictures from Flickr under their owners' Creative Commons licences",
    layout="annotations/instances_{train,val}2017.json train2017/ val2017/",
    split="as published: train2017, val2017; only pictures whose subject is people (docs/data.md)",
    mask="polygon",
    kind="person_in_the_wild",
    find=find,
)
