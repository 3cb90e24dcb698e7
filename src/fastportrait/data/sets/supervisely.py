"""Supervisely Person: a project folder of pictures, each with a JSON of bitmaps and polygons.

The format: https://docs.supervisely.com/customization-and-integration/00_ann_format_navi. A bitmap is a PNG,
compressed by zlib, in base64, with the place of its upper left corner.
"""

import base64
import json
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .coco import fill
from .item import Item, Pixels, Set, held_out, still


def find(folder: Path) -> list[Item]:
    """Each `ann/FILE.json` belongs to `img/FILE`, in however many data sets the project has."""
    files = sorted(folder.glob("*/ann/*.json"))
    if not files:
        raise ValueError(f"{folder}: no */ann/*.json; expected below it: {SUPERVISELY.layout}")
    items = []
    for file in files:
        picture = file.parent.parent / "img" / file.stem
        name = f"{file.parent.parent.name}/{Path(file.stem).stem}"
        found = json.loads(file.read_text())
        polygon = any(o.get("geometryType", "polygon") == "polygon" for o in people(found))
        read = still(name, picture, partial(drawn, file))
        items.append(Item(name, held_out(name, 0.1), read, mask="polygon" if polygon else "binary"))
    return items


def people(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of the classes person_poly and person_bmp; the set has others, which are background."""
    return [thing for thing in annotation["objects"] if thing["classTitle"].startswith("person")]


def drawn(file: Path) -> Pixels:
    """(H, W), 255 is person: the union of all."""
    annotation = json.loads(file.read_text())
    mask = np.zeros((annotation["size"]["height"], annotation["size"]["width"]), np.uint8)
    for thing in people(annotation):
        if thing.get("bitmap"):
            paste(mask, thing["bitmap"], file.name)
        else:
            outlines = thing["points"]
            whole = np.zeros_like(mask)
            fill(whole, np.asarray(outlines["exterior"], np.float64) + 0.5)  # its points are pixels' centres
            for hole in outlines["interior"]:
                fill(whole, np.asarray(hole, np.float64) + 0.5, 0)
            mask |= whole
    return mask


def paste(mask: Pixels, bitmap: dict[str, Any], name: str) -> None:
    """Sets what the bitmap covers. `ValueError` where it is no picture or leaves the mask."""
    data = zlib.decompress(base64.b64decode(bitmap["data"]))
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f"{name}: a bitmap that cannot be decoded")
    inside = pixels if pixels.ndim == 2 else pixels[:, :, 3] if pixels.shape[2] == 4 else pixels.max(axis=2)
    x, y = bitmap["origin"]
    height, width = inside.shape
    if x < 0 or y < 0 or y + height > mask.shape[0] or x + width > mask.shape[1]:
        raise ValueError(f"{name}: a bitmap of {width} x {height} at {x}, {y} leaves the picture")
    mask[y : y + height, x : x + width] |= np.where(inside > 0, 255, 0).astype(np.uint8)


SUPERVISELY = Set(
    title="Supervisely Person (2018)",
    link="https://hackernoon.com/releasing-supervisely-person-dataset-for-teaching-machines-to-segment-humans-1f1fc1f28469",
    terms="Supervisely Person: free for academic purposes",
    layout="DATASET/img/FILE DATASET/ann/FILE.json",
    split="none is published; val: a tenth, by a hash of the name; train: the rest",
    mask="binary",
    kind="person",
    find=find,
    expected=5711,
    source="the announcement",
)
