"""The network's mask, refined to the photo's full resolution along the photo's own edges.

A guided filter in colour (K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 2013) in its fast form
(K. He, J. Sun, "Fast Guided Filter", 2015, https://arxiv.org/abs/1505.00996): in every window the mask is
regressed on the picture's three colours, at little more than the network's resolution, and the smooth
coefficients are applied to the picture at full size. What this file adds:

* only the uncertain band is touched: where the mask is flat, near 0 or near 1, it stays what it was, so that
  no texture leaks into clothes or walls;
* where the colours do not explain the mask (its R² is low) the mask itself is kept, not its blur;
* the regression runs twice on one set of picture statistics, the second time on its own, sharpened result;
* contrast is raised about 0.5 after each pass, because a window's mean is always softer than the edge.

The numbers below were chosen by `fastportrait.bench.edges`; docs/edges.md has the table.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .transform import resize

Plane = NDArray[np.float32]

CELLS = 1.5
"""Pixels of the working grid per pixel of the mask, along each side."""
VIDEO_CELLS = 0.75
"""The same for the frames of a video, a third of the work there: docs/steady.md has both."""
LARGE = 720
"""Pixels of a video's shorter side from which its edges are drawn at half of them: faster, as good."""
RADIUS = 3
"""Of the window, in pixels of the working grid."""
EPSILON = 3e-4
"""Variance of colour, in [0, 1], below which a window counts as flat."""
CONTRAST = 1.6
UNCERTAIN = 0.02
"""A mask this near to 0 or 1, and all its neighbours with it, is certain."""
TILE = 128
"""Pixels of the photo worked on at once: large enough to amortise calls, small enough for the cache."""


def refine(image: NDArray[np.uint8], coarse: Plane, cells: float = CELLS) -> Plane:
    """(H, W, 3) RGB and its (h, w) mask in [0, 1], covering the whole picture -> (H, W) alpha in [0, 1].

    Certain parts are the mask, resized; a mask without an uncertain part comes back as just that.
    The result is the only plane of the photo's size that this needs. Raises `ValueError` for other shapes.
    """
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image is {image.shape}; refine needs (H, W, 3)")
    if coarse.ndim != 2 or 0 in coarse.shape:
        raise ValueError(f"coarse is {coarse.shape}; refine needs (h, w)")
    coarse = np.clip(coarse, 0, 1, dtype=np.float32)
    alpha = resize(coarse, image.shape[:2])
    uncertain = _uncertain(coarse)
    if not cv2.countNonZero(uncertain):
        return alpha
    h, w = (min(round(cells * n), size) for n, size in zip(coarse.shape, image.shape, strict=False))
    weight = resize(uncertain, (h, w))
    part = _around(weight)
    guide = resize(image, (h, w))[part].astype(np.float32) * np.float32(1 / 255) - np.float32(0.5)
    slopes = np.zeros((h, w, 4), np.float32)
    slopes[part] = _slopes(guide, resize(coarse, (h, w))[part])
    _apply(slopes, image, weight, alpha)
    return alpha


def halved(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A video's frame, halved until its shorter side is below LARGE: what network and edges are worked on."""
    while min(frame.shape[:2]) >= LARGE:
        half = (frame.shape[1] // 2, frame.shape[0] // 2)
        frame = np.asarray(cv2.resize(frame, half, interpolation=cv2.INTER_AREA), np.uint8)
    return frame


def refine_frame(frame: NDArray[np.uint8], small: NDArray[np.uint8], coarse: Plane) -> Plane:
    """`refine` for a video's frame, (H, W, 3), and its `halved`: at a third of the time, as good."""
    fine = refine(small, coarse, VIDEO_CELLS)
    return fine if small is frame else np.asarray(resize(fine, frame.shape[:2]), np.float32)


def _around(weight: Plane) -> tuple[slice, slice]:
    """The part of the grid that what is uncertain depends on: two regressions reach four windows far."""
    x, y, width, height = cv2.boundingRect((weight > 0).astype(np.uint8))
    reach = 4 * RADIUS + 1
    return slice(max(0, y - reach), y + height + reach), slice(max(0, x - reach), x + width + reach)


def _uncertain(coarse: Plane) -> Plane:
    """1 where the mask or a neighbour is neither 0 nor 1, falling to 0 over one pixel."""
    near = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(coarse, near), cv2.dilate(coarse, near)
    band = ((high > UNCERTAIN) & (low < 1 - UNCERTAIN)).astype(np.uint8) * np.uint8(255)
    return cv2.blur(band, (3, 3)).astype(np.float32) * np.float32(1 / 255)  # in integers: 0 stays exactly 0


def _mean(x: Plane) -> Plane:
    return np.asarray(
        cv2.blur(x, (2 * RADIUS + 1, 2 * RADIUS + 1), borderType=cv2.BORDER_REFLECT), np.float32
    )


def _contrast(alpha: Plane) -> Plane:
    return np.clip((alpha - 0.5) * np.float32(CONTRAST) + np.float32(0.5), 0, 1)


def _slopes(guide: Plane, mask: Plane) -> Plane:
    """(h, w, 3) in [-0.5, 0.5] and (h, w) -> (h, w, 4): the mask is about slopes[:3] @ colour + slopes[3]."""
    means: list[Plane] = [np.asarray(plane, np.float32) for plane in cv2.split(_mean(guide))]
    inverse = _inverse_covariance(guide, means)
    slopes = _regress(guide, means, inverse, _contrast(mask), mask)
    again = np.einsum("hwc,hwc->hw", slopes[..., :3], guide) + slopes[..., 3]
    return _regress(guide, means, inverse, _contrast(again), mask)


def _regress(guide: Plane, means: list[Plane], inverse: list[Plane], mask: Plane, fallback: Plane) -> Plane:
    """The colour guided filter; `fallback` where the colours explain less than half of the mask."""
    rr, rg, rb, gg, gb, bb = inverse
    mask_mean = _mean(mask)
    products = cv2.split(_mean(np.asarray(cv2.multiply(guide, cv2.merge([mask] * 3)), np.float32)))
    r, g, b = (product - mean * mask_mean for product, mean in zip(products, means, strict=True))
    red = rr * r + rg * g + rb * b
    green = rg * r + gg * g + gb * b
    blue = rb * r + gb * g + bb * b
    rest = mask_mean - (red * means[0] + green * means[1] + blue * means[2])
    explained = red * r + green * g + blue * b
    variance = _mean(mask * mask) - mask_mean * mask_mean
    trust = np.clip(2 * _mean((explained + 1e-4) / (np.maximum(variance, explained) + 1e-4)), 0, 1)
    slopes = _mean(np.asarray(cv2.merge([red, green, blue, rest]), np.float32))
    slopes *= np.asarray(cv2.merge([trust] * 4), np.float32)
    slopes[..., 3] += (1 - trust) * fallback
    return slopes


def _inverse_covariance(guide: Plane, means: list[Plane]) -> list[Plane]:
    """(Covariance of the colours + EPSILON)⁻¹ in every window: rr rg rb gg gb bb."""
    red, green, blue = cv2.split(guide)
    r, g, b = means
    squares = cv2.split(_mean(guide * guide))
    rr, gg, bb = (square - m * m + np.float32(EPSILON) for square, m in zip(squares, means, strict=True))
    rg, rb, gb = _mean(red * green) - r * g, _mean(red * blue) - r * b, _mean(green * blue) - g * b
    adjugate = [
        gg * bb - gb * gb,
        gb * rb - rg * bb,
        rg * gb - gg * rb,
        rr * bb - rb * rb,
        rb * rg - rr * gb,
        rr * gg - rg * rg,
    ]
    determinant = adjugate[0] * rr + adjugate[1] * rg + adjugate[2] * rb
    scale = 1 / np.maximum(
        determinant, np.float32(EPSILON**3)
    )  # rounding never takes it below its least value
    return [part * scale for part in adjugate]


def _apply(slopes: Plane, image: NDArray[np.uint8], weight: Plane, alpha: Plane) -> None:
    """Blend contrast(slopes @ colour) into `alpha` by `weight`, in place, tile by tile."""
    # Fold 0..255, the guide's centre and the contrast into the coefficients, and the offset into a fourth
    # colour, which is 255 everywhere: one product a pixel is left.
    fold = np.eye(4, 5) * CONTRAST
    fold[3] = [-0.5 * CONTRAST] * 3 + [CONTRAST, 0.5 - 0.5 * CONTRAST]
    slopes = np.asarray(cv2.transform(slopes, (fold / 255).astype(np.float32)), np.float32)
    rows, columns = (_cells(*sides) for sides in zip(alpha.shape, weight.shape, strict=True))
    across = [cv2.repeat(columns[None, x : x + TILE], TILE, 1) for x in range(0, alpha.shape[1], TILE)]
    for y in range(0, alpha.shape[0], TILE):
        down = cv2.repeat(rows[y : y + TILE, None], 1, TILE)
        for x in range(0, alpha.shape[1], TILE):
            ys, xs = rows[y : y + TILE], columns[x : x + TILE]
            near = weight[max(0, int(ys[0])) : int(ys[-1]) + 2, max(0, int(xs[0])) : int(xs[-1]) + 2]
            if not cv2.countNonZero(near):
                continue
            grid = across[x // TILE][: len(ys)], down[:, : len(xs)]
            remapped = cv2.remap(slopes, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            local: Plane = np.asarray(remapped, np.float32)
            blend = cv2.remap(weight, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            local *= np.asarray(cv2.cvtColor(image[y : y + TILE, x : x + TILE], cv2.COLOR_RGB2RGBA), np.uint8)
            fine = local[..., 0] + local[..., 1]  # by channel: einsum takes twice as long
            fine += local[..., 2]
            fine += local[..., 3]
            np.clip(fine, 0, 1, out=fine)
            tile = alpha[y : y + TILE, x : x + TILE]
            fine -= tile
            fine *= blend
            tile += fine
            np.clip(tile, 0, 1, out=tile)


def _cells(pixels: int, cells: int) -> NDArray[np.float32]:
    """Where the photo's rows (or columns) lie in the grid's, half-pixel centred."""
    centres = np.arange(pixels, dtype=np.float32) + np.float32(0.5)
    return centres * np.float32(cells / pixels) - np.float32(0.5)
