"""portrait.json: the one description of what goes into an exported model and what comes out.

Written beside the files. Python, the page and a phone app follow it, and each can check itself by its test
vectors: a frame, the network's input made from it, and the mask that PyTorch gives for that, as PNGs.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..engines.choice import digest, parts
from ..metrics import masks
from ..nets.network import Network
from ..segmenter import PRESENT, SHARE
from ..transform import to_network
from .pictures import Picture, figures

if TYPE_CHECKING:
    from . import Written

Array8 = NDArray[np.uint8]
NAME = "portrait.json"
SCHEMA = "portrait/1"
ENDS = {"onnx": ("image", "alpha"), "coreml": ("image", "alpha"), "ncnn": ("in0", "out0")}
"""What a format calls image and alpha; the others have positions."""
MEAN, IOU = 0.01, 0.99
"""How near an implementation's mask must come to a vector's: mean difference of alpha, IoU. Both leave room
for the 8 bits of the pictures and for float16."""
PHOTO = Path(__file__).parents[3] / "examples" / "astronaut.jpg"


@dataclass(frozen=True)
class Checked:
    """One file on one vector."""

    target: str
    vector: str
    mean: float
    """Mean difference of alpha."""
    iou: float
    ok: bool


def room(out: Path, name: str) -> None:
    """Raises `ValueError` where `out` belongs to another model: one folder holds one."""
    there = read(out) if (out / NAME).is_file() else None
    if there is not None and there["name"] != name:
        raise ValueError(f"{out} holds the model {there['name']!r}: choose another folder for {name!r} by -o")


def read(folder: Path) -> dict[str, Any]:
    """The description in `folder`. Raises `ValueError` where it is none of ours."""
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"{path}: no such file") from None
    except ValueError as error:
        raise ValueError(f"{path}: is not JSON ({error})") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"{path}: is no {SCHEMA} description")
    return found


def add(out: Path, name: str, net: Network, card: dict[str, Any], form: Any, written: "Written") -> Path:
    """Describes `written`, a file in `out`, in `out`/portrait.json, beside other formats of the same weights.

    What described other weights or another size is dropped, with its files' entries.
    """
    room(out, name)
    path, size = out / NAME, (int(card["size"][0]), int(card["size"][1]))
    shared = {key: value for key, value in card.items() if key != "precision"}
    there, pictures = read(out) if path.is_file() else {}, dict[str, Array8]()
    if there.get("card") != shared:
        rows, pictures = vectors(frames(), size, _mask(net))
        there = description(name, size, shared) | {"vectors": rows}
    told = entry(form.NAME, written.path, written.precision)
    if written.precision == "int8":  # what this file was seen to do, and as much again
        told["mean_tolerance"] = round(max(MEAN, 2 * written.parity.mean_alpha), 4)
        told["iou"] = round(min(IOU, 1 - 2 * (1 - written.parity.iou)), 4)
    there["files"][form.NAME] = told
    return write(out, there, pictures)


def _mask(net: Network) -> Callable[[Picture], NDArray[np.float32]]:
    """(1, 3, h, w) in [0, 1] -> (h, w) alpha, by PyTorch."""
    import torch

    def mask(image: Picture) -> NDArray[np.float32]:
        with torch.no_grad():
            return net(torch.from_numpy(image)).sigmoid().numpy()[0, 0]

    return mask


def description(name: str, size: tuple[int, int], card: dict[str, Any]) -> dict[str, Any]:
    """All but files and vectors."""
    height, width = size
    return {
        "schema": SCHEMA,
        "name": name,
        "network": card.get("network", name),
        "input": {
            "height": height,
            "width": width,
            "channels": "RGB",
            "range": [0, 1],
            "fit": "squash",
            "resize": "area where it shrinks, bilinear with half-pixel centres where it grows",
        },
        "output": {"height": height, "width": width, "meaning": "alpha", "range": [0, 1]},
        "presence": {
            "share": SHARE,
            "threshold": PRESENT,
            "rule": "mean of the most confident share of the mask; below threshold nobody is there",
        },
        "files": {},
        "vectors": [],
        "card": card,
    }


def entry(target: str, path: Path, precision: str) -> dict[str, Any]:
    """Of one file, in the format `target`, under "files"."""
    sha256, count = digest(path)
    told = {
        "file": path.name,
        "sha256": sha256,
        "bytes": count,
        "layout": "NCHW",
        "input": ENDS.get(target, (0, 0))[0],
        "output": ENDS.get(target, (0, 0))[1],
        "precision": precision,
    }
    beside = [] if path.is_dir() else [file for file in parts(path) if file != path]
    if beside:
        told["with"] = [
            {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()} for file in beside
        ]
    return told


def frames() -> list[Array8]:
    """(H, W, 3) RGB: a tall and a wide crop of a photo in the public domain, if it is there, and figures."""
    made = [
        np.ascontiguousarray((image[0].transpose(1, 2, 0) * 255).round().astype(np.uint8))
        for size, seed in (((360, 203), 1), ((90, 161), 3))
        for image in figures(1, size, seed)
    ]
    photo = cv2.imread(str(PHOTO), cv2.IMREAD_COLOR_RGB) if PHOTO.is_file() else None
    if photo is None:
        return made
    whole = np.asarray(photo, np.uint8)
    return [np.ascontiguousarray(whole[:, 60:381]), np.ascontiguousarray(whole[20:321]), *made]


def vectors(
    frames: list[Array8], size: tuple[int, int], mask: Callable[[Picture], NDArray[np.float32]]
) -> tuple[list[dict[str, Any]], dict[str, Array8]]:
    """Their entries, and the pictures that these name: each frame, the (h, w, 3) image of it at the network's
    `size`, and the (h, w) alpha that `mask` gives for that, (1, 3, h, w) in [0, 1]."""
    rows: list[dict[str, Any]] = []
    pictures: dict[str, Array8] = {}
    for i, frame in enumerate(frames):
        image, _ = to_network(frame, size)
        kinds = {"frame": frame, "image": _bits(image[0].transpose(1, 2, 0)), "alpha": _bits(mask(image))}
        row: dict[str, Any] = {kind: f"vectors/{i}-{kind}.png" for kind in kinds}
        pictures |= {row[kind]: picture for kind, picture in kinds.items()}
        rows.append(row | {"mean_tolerance": MEAN, "iou": IOU})
    return rows, pictures


def _bits(values: NDArray[np.float32]) -> Array8:
    return (values * 255).round().astype(np.uint8)


def write(out: Path, told: dict[str, Any], pictures: dict[str, Array8]) -> Path:
    """The description `told` and the vectors' pictures, by their places in the folder `out`."""
    from PIL import Image

    for place, picture in pictures.items():
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        data = BytesIO()
        Image.fromarray(picture).save(data, "PNG", optimize=True)
        _replace(out / place, data.getvalue())
    _replace(out / NAME, (json.dumps(told, indent=2) + "\n").encode())
    return out / NAME


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, path)


def check(folder: Path) -> list[Checked]:
    """Every file that `folder`/portrait.json names, in its runtime, on every vector.

    Raises `ValueError` where a file is missing or altered, or `to_network` makes another image of a frame.
    """
    from . import target

    told, rows = read(folder), []
    size = told["input"]["height"], told["input"]["width"]
    for name, entry in told["files"].items():
        path = folder / entry["file"]
        if not path.exists() or digest(path)[0] != entry["sha256"]:
            raise ValueError(
                f"{path}: is missing or not the file that {NAME} describes (its SHA-256 is wrong)"
            )
        run = target(name).runner(path)
        for vector in told["vectors"]:
            frame = np.asarray(cv2.imread(str(folder / vector["frame"]), cv2.IMREAD_COLOR_RGB), np.uint8)
            pixels = np.asarray(cv2.imread(str(folder / vector["image"]), cv2.IMREAD_COLOR_RGB), np.uint8)
            truth = (
                np.asarray(cv2.imread(str(folder / vector["alpha"]), cv2.IMREAD_GRAYSCALE), np.float32) / 255
            )
            made = (to_network(frame, size)[0][0].transpose(1, 2, 0) * 255).round()
            if np.abs(made - pixels).max() > 1:
                raise ValueError(f"{vector['frame']} becomes another image here than {vector['image']}")
            image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
            alpha = run(image)[0, 0]
            mean = float(np.abs(alpha - truth).mean())
            iou = masks.iou(alpha > 0.5, truth > 0.5)
            most, least = (
                entry.get("mean_tolerance", vector["mean_tolerance"]),
                entry.get("iou", vector["iou"]),
            )
            rows.append(Checked(name, vector["frame"], mean, iou, mean <= most and iou >= least))
    return rows
