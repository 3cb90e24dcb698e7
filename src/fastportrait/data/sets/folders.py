"""Sets that are folders of pictures beside folders of masks: who belongs to whom, and to which split."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ...media.images import ENDINGS
from .item import Item, Pixels, Set, grey, hard, held_out, indices, needed, still, unchanged

SPLITS = ("train", "val", "test")


def pictures(folder: Path) -> list[Path]:
    """All pictures below `folder`, in order; not the `._name` files that macOS leaves in archives."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS
        and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


def by_stem(folder: Path) -> dict[str, Path]:
    """The pictures below `folder` by their place in it without ending; `ValueError` where two share it."""
    found: dict[str, Path] = {}
    for path in pictures(folder):
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in found:
            raise ValueError(f"{found[stem]} and {path} have the same name: keep one of them")
        found[stem] = path
    return found


def binary(path: Path) -> Pixels:
    return hard(indices(path), path.name)


def paired(
    images: Path, masks: Path, split: str, alpha: Callable[[Path], Pixels], prefix: str = "", kind: str = ""
) -> list[Item]:
    """One item for each picture below `images`; a mask that is not there is told when the item is read."""
    there = by_stem(masks) if masks.is_dir() else {}
    return [
        Item(
            prefix + stem,
            split,
            still(prefix + stem, path, partial(alpha, there.get(stem, masks / f"{stem}.png"))),
            kind=kind,
        )
        for stem, path in by_stem(images).items()
    ]


def find_eg1800(folder: Path) -> list[Item]:
    needed(folder, EG1800.layout, "Images", "Labels", "eg1800_train.txt", "eg1800_test.txt")
    pairs = {item.name: item for item in paired(folder / "Images", folder / "Labels", "", binary)}
    items = []
    for part in ("train", "test"):
        for line in (folder / f"eg1800_{part}.txt").read_text().split():
            stem = Path(line).with_suffix("").as_posix()
            if stem not in pairs:
                raise ValueError(f"{folder}: eg1800_{part}.txt names {line}, which is not in Images")
            split = part if part == "test" else held_out(stem, 0.05)
            items.append(pairs[stem]._replace(split=split))
    return items


def find_aisegment(folder: Path) -> list[Item]:
    """`clip_img/G/clip_C/NAME.jpg` belongs to `matting/G/matting_C/NAME.png`; alpha is its fourth channel."""
    needed(folder, AISEGMENT.layout, "clip_img", "matting")
    items = []
    for path in pictures(folder / "clip_img"):
        place = path.relative_to(folder / "clip_img")
        folders = [part.replace("clip_", "matting_", 1) for part in place.parts[:-1]]
        matte = folder.joinpath("matting", *folders, f"{path.stem}.png")
        name = place.with_suffix("").as_posix()
        items.append(Item(name, held_out(name, 0.05), still(name, path, partial(fourth, matte))))
    return items


def fourth(path: Path) -> Pixels:
    pixels = unchanged(path)
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        raise ValueError(f"{path.name} has no alpha channel")
    return np.ascontiguousarray(pixels[:, :, 3])


def find_pphumanseg14k(folder: Path) -> list[Item]:
    needed(folder, PPHUMANSEG14K.layout, "images/train", "annotations/train")
    items = []
    for split in SPLITS:
        if (folder / "annotations" / split).is_dir():  # the masks of test are not given to everyone
            images, masks = folder / "images" / split, folder / "annotations" / split
            items += paired(images, masks, split, binary, f"{split}/")
    return items


def find_easyportrait(folder: Path) -> list[Item]:
    needed(folder, EASYPORTRAIT.layout, *(f"{what}/train" for what in ("images", "annotations")))
    items = []
    for split in SPLITS:
        if (folder / "images" / split).is_dir():
            images, masks = folder / "images" / split, folder / "annotations" / split
            items += paired(images, masks, split, any_class, f"{split}/")
    return items


def any_class(path: Path) -> Pixels:
    """EasyPortrait's classes: 0 is background, 1 to 8 are person, skin and parts of the face."""
    classes = indices(path)
    if classes.max() > 8:
        raise ValueError(f"{path.name} is not a map of the classes 0 to 8")
    return np.where(classes > 0, 255, 0).astype(np.uint8)


def find_p3m10k(folder: Path) -> list[Item]:
    needed(folder, P3M10K.layout, "train/blurred_image", "train/mask")
    train = paired(folder / "train/blurred_image", folder / "train/mask", "", grey, "train/")
    items = [item._replace(split=held_out(item.name, 0.05)) for item in train]
    for part, images, kind in (
        ("P3M-500-P", "blurred_image", ""),
        ("P3M-500-NP", "original_image", "celebrity"),
    ):
        test = folder / "validation" / part
        if test.is_dir():
            items += paired(test / images, test / "mask", "test", grey, f"{part}/", kind)
    return items


def find_ppm100(folder: Path) -> list[Item]:
    needed(folder, PPM100.layout, "image", "matte")
    return paired(folder / "image", folder / "matte", "test", grey)


def find_folder(folder: Path, alpha: Callable[[Path], Pixels] = binary) -> list[Item]:
    """`images/` and `masks/`, or both with train, val and test below them."""
    needed(folder, FOLDER.layout, "images", "masks")
    if any((folder / "images" / split).is_dir() for split in SPLITS):
        outside = [path.name for path in pictures(folder / "images") if path.parent == folder / "images"]
        if outside:
            raise ValueError(f"{folder}: images/{outside[0]} lies beside train, val, test: put it into one")
        items = []
        for split in SPLITS:
            if (folder / "images" / split).is_dir():
                items += paired(
                    folder / "images" / split, folder / "masks" / split, split, alpha, f"{split}/"
                )
        return items
    found = paired(folder / "images", folder / "masks", "", alpha)
    return [item._replace(split=held_out(item.name, 0.1)) for item in found]


EG1800 = Set(
    title="EG1800 (Shen et al. 2016), as PortraitNet's authors pass it on",
    link="https://github.com/dong-x16/PortraitNet",
    terms="EG1800: pictures from Flickr under their owners' terms, no licence stated for the set; research",
    layout="Images/ Labels/ eg1800_train.txt eg1800_test.txt",
    split="test as listed; of eg1800_train.txt val: a twentieth, by a hash of the name, train: the rest",
    mask="binary",
    kind="selfie",
    find=find_eg1800,
    expected=1447 + 289,
    source="PortraitNet's README",
)
AISEGMENT = Set(
    title="AISegment matting_human_datasets",
    link="https://github.com/aisegmentcn/matting_human_datasets",
    terms="AISegment: pictures from Flickr, Baidu and Taobao, no licence stated for them; research",
    layout="clip_img/GROUP/clip_00000000/NAME.jpg matting/GROUP/matting_00000000/NAME.png",
    split="none is published; val: a twentieth, by a hash of the name; train: the rest",
    mask="refined",
    kind="half_body",
    find=find_aisegment,
    expected=34427,
    source="the set's README",
)
PPHUMANSEG14K = Set(
    title="PP-HumanSeg14K, frames of video conferences",
    link="https://github.com/PaddlePaddle/PaddleSeg/blob/release/2.9/contrib/PP-HumanSeg/paper.md",
    terms="PP-HumanSeg14K: on application to its authors; see the LICENSE in the download; research",
    layout="images/{train,val,test}/ annotations/{train,val}/",
    split="as published; test only where its masks are there",
    mask="binary",
    kind="conference",
    find=find_pphumanseg14k,
)
EASYPORTRAIT = Set(
    title="EasyPortrait (Kvanchiani et al. 2023)",
    link="https://github.com/hukenovs/easyportrait",
    terms="EasyPortrait: a variant of CC BY-SA 4.0, see license/en_us.pdf in its repository",
    layout="images/{train,val,test}/ annotations/{train,val,test}/",
    split="as published: by person",
    mask="binary",
    kind="webcam",
    find=find_easyportrait,
)
P3M10K = Set(
    title="P3M-10k (Li et al. 2021), faces blurred",
    link="https://github.com/JizhiziLi/P3M",
    terms="P3M-10k: its Dataset Release Agreement must be accepted; see the repository; research",
    layout="train/{blurred_image,mask}/ validation/P3M-500-P/{blurred_image,mask}/ "
    "validation/P3M-500-NP/{original_image,mask}/",
    split="test: P3M-500-P and P3M-500-NP; val: a twentieth of train, by a hash of the name; train: the rest",
    mask="alpha",
    kind="faces_blurred",
    find=find_p3m10k,
    expected=9421 + 500 + 500,
    source="the set's README",
)
PPM100 = Set(
    title="PPM-100 (Ke et al. 2022)",
    link="https://github.com/ZHKKKe/PPM",
    terms="PPM-100: mattes CC BY-NC-SA 4.0; pictures from Flickr under Creative Commons licences",
    layout="image/ matte/",
    split="all are test: it is a benchmark",
    mask="alpha",
    kind="photograph",
    find=find_ppm100,
    expected=100,
    source="the set's README",
)
FOLDER = Set(
    title="a folder of pictures and one of masks, with the same names",
    link="docs/data.md",
    terms="",
    layout="images/NAME.jpg masks/NAME.png, or images/train/NAME.jpg masks/train/NAME.png and so on",
    split="by the folders train, val, test; without them val: a tenth, by a hash of the name; train: rest",
    mask="binary",
    kind="own",
    find=find_folder,
)


def own(terms: str, mask: str) -> Set:
    """`FOLDER` for pictures with these terms; `mask` is binary (cut at a half), alpha or polygon."""
    return replace(
        FOLDER, terms=terms, mask=mask, find=partial(find_folder, alpha=grey if mask == "alpha" else binary)
    )
