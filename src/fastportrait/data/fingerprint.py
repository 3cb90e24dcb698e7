"""Which pictures are nearly the same: a hash of 64 bits that survives resizing and JPEG, and a second look.

The idea: the signs of a picture's low frequencies against their median (C. Zauner, "Implementation and
Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2). Portraits before plain walls share
theirs, so two pictures count as the same only if their thumbnails agree too. Mirrored or cropped copies are
not found.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

NEAR = 6
"""Bits by which two hashes of the same picture may differ."""
ALIKE = 6.0
"""Mean difference of two thumbnails, in levels of 255."""

Pairs = NDArray[np.int64]
BITS = np.array([bin(value).count("1") for value in range(1 << 16)], np.uint8)


def fingerprint(image: NDArray[np.uint8]) -> tuple[np.uint64, NDArray[np.uint8]]:
    """The hash of a picture (H, W, 3) and its thumbnail (16, 16, 3)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.median(low[1:])  # without the mean brightness
    value = np.packbits(bits).view(">u8")[0]
    return np.uint64(value), np.asarray(cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA), np.uint8)


def near_duplicates(hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8]) -> Pairs:
    """(n, 2) indices, the lower first, of all pairs that are nearly the same: (N,) and (N, 16, 16, 3).

    Two hashes that differ in at most six bits agree in one of seven bands; only such pairs are compared.
    """
    found = [np.zeros((0, 2), np.int64)]
    edges = np.linspace(0, 64, NEAR + 2).astype(int)
    for low, high in pairwise(edges):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order])) + 1
        for members in np.split(order, starts):
            found.append(_within(members, hashes, thumbnails))
    return np.unique(np.concatenate(found), axis=0)


def _within(members: NDArray[np.int64], hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8]) -> Pairs:
    pairs = [np.zeros((0, 2), np.int64)]
    for at, one in enumerate(members[:-1]):  # one against the rest: memory for a row, not for a square
        rest = members[at + 1 :]
        others = rest[distance(hashes[one], hashes[rest]) <= NEAR]
        if len(others):
            gap = np.abs(thumbnails[others].astype(np.int16) - thumbnails[one]).mean(axis=(1, 2, 3))
            others = others[gap <= ALIKE]
            pairs.append(np.sort(np.stack([np.full_like(others, one), others], axis=1), axis=1))
    return np.concatenate(pairs)


def distance(one: np.uint64, others: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(n,) bits in which `one` differs from each of the `others`."""
    differ = np.ascontiguousarray(one ^ others).view(np.uint16).reshape(-1, 4)
    return np.asarray(BITS[differ].sum(axis=1), np.int64)
