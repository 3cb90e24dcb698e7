"""The app's icons, drawn from one geometry: a head and shoulders, half kept and half dissolved into light.

    python app/scripts/icons.py

Writes app/public/icon.svg and the PNG sizes that phones ask for.
"""

from pathlib import Path

import cv2
import numpy as np

OUT = Path(__file__).resolve().parent.parent / "public"
GROUND, LEFT, RIGHT = "#0f1b1a", "#5ee0b0", "#ffb59f"
HEAD, HEAD_RADIUS = (50.0, 40.0), 17.0
BODY, BODY_RADII = (50.0, 96.0), (32.0, 34.0)  # the upper half of an ellipse, cut by the picture's edge
ROUND = 22.0  # of the corners


def svg() -> str:
    person = (
        f'<circle cx="{HEAD[0]:g}" cy="{HEAD[1]:g}" r="{HEAD_RADIUS:g}"/>'
        f'<ellipse cx="{BODY[0]:g}" cy="{BODY[1]:g}" rx="{BODY_RADII[0]:g}" ry="{BODY_RADII[1]:g}"/>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<clipPath id="c"><rect width="100" height="100" rx="{ROUND:g}"/></clipPath>'
        '<clipPath id="l"><rect width="50" height="100"/></clipPath>'
        '<clipPath id="r"><rect x="50" width="50" height="100"/></clipPath>'
        f'<g clip-path="url(#c)"><rect width="100" height="100" fill="{GROUND}"/>'
        f'<g clip-path="url(#l)" fill="{LEFT}">{person}</g>'
        f'<g clip-path="url(#r)" fill="none" stroke="{RIGHT}" stroke-width="5">{person}</g></g></svg>\n'
    )


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float64)


def draw(side: int, *, corners: bool, shrink: float = 1.0) -> np.ndarray:
    """(side, side, 4), RGBA; `shrink` leaves the margin that a maskable icon needs."""
    big = side * 4
    y, x = (np.indices((big, big)) + 0.5) * (100 / big)
    u, v = (x - 50) / shrink + 50, (y - 50) / shrink + 50
    head = np.hypot(u - HEAD[0], v - HEAD[1]) - HEAD_RADIUS
    body = (np.hypot((u - BODY[0]) / BODY_RADII[0], (v - BODY[1]) / BODY_RADII[1]) - 1) * min(BODY_RADII)
    filled = (u < 50) & ((head < 0) | (body < 0))
    line = (u >= 50) & ((np.abs(head) < 2.5) | (np.abs(body) < 2.5))
    pixels = np.empty((big, big, 4))
    pixels[...] = [*rgb(GROUND), 255]
    pixels[filled, :3], pixels[line, :3] = rgb(LEFT), rgb(RIGHT)
    if corners:
        away = np.hypot(*(np.maximum(np.abs(c - 50) - (50 - ROUND), 0) for c in (x, y)))
        pixels[..., 3] = 255 * (away < ROUND)
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    return np.rint(small).astype(np.uint8)


def main() -> None:
    (OUT / "icon.svg").write_text(svg(), "utf-8")
    for name, side, corners, shrink in (
        ("icon-180", 180, False, 1.0),  # iOS rounds the corners itself
        ("icon-192", 192, True, 1.0),
        ("icon-512", 512, True, 1.0),
        ("icon-maskable", 512, False, 0.72),
    ):
        picture = draw(side, corners=corners, shrink=shrink)
        cv2.imwrite(str(OUT / f"{name}.png"), cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))


if __name__ == "__main__":
    main()
