"""A video's colours: Y'CbCr planes to RGB and back, by the file's own matrix, range and depth.

The arithmetic is a 3 x 4 matrix a pixel, rounded to the nearest, in OpenCV: swscale's fast path is five times
as fast and takes 1 to 2 levels off every colour. Chroma is spread and averaged centred, the same on both
ways, so that it comes back where it was.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Array = NDArray[Any]
Curve = Literal["sdr", "pq", "hlg"]

WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""H.273 matrix: the shares of red and blue in luma. Every other one is taken for BT.601, as FFmpeg does."""
BT601 = (0.299, 0.114)
UNSPECIFIED = 2
CURVES: dict[int, Curve] = {16: "pq", 18: "hlg"}


@dataclass(frozen=True)
class Colours:
    """What a file says about its colours, by the numbers of H.273, and what is assumed where it is silent."""

    primaries: int
    transfer: int
    matrix: int
    full: bool
    """0..255 (at 8 bits); else 16..235."""
    depth: int
    """Bits of a sample."""

    @property
    def curve(self) -> Curve:
        return CURVES.get(self.transfer, "sdr")

    def weights(self, height: int) -> tuple[float, float]:
        """Of red and blue. Without a word in the file, large pictures are BT.709, as players assume."""
        if self.matrix == UNSPECIFIED:
            return WEIGHTS[1] if height >= 720 else BT601
        return WEIGHTS.get(self.matrix, BT601)


def colours_of(frame: "VideoFrame") -> Colours:
    component = frame.format.components[0]
    full = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    return Colours(
        int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), full, component.bits
    )


def _to_yuv(weights: tuple[float, float], full: bool, top: float, depth: int) -> Array:
    """(3, 4): RGB in 0..top to Y'CbCr of `depth` bits."""
    red, blue = weights
    green = 1 - red - blue
    luma = np.array([red, green, blue])
    matrix = np.stack([luma, (np.eye(3)[2] - luma) / (2 - 2 * blue), (np.eye(3)[0] - luma) / (2 - 2 * red)])
    scale, unit = 2.0 ** (depth - 8), 2.0**depth - 1
    spans = np.array([unit, unit, unit] if full else [219 * scale, 224 * scale, 224 * scale])
    start = np.array([0 if full else 16 * scale, 128 * scale, 128 * scale])
    return np.concatenate([matrix * (spans / top)[:, None], start[:, None]], axis=1)


def to_rgb(frame: "VideoFrame", colours: Colours, *, deep: bool) -> tuple[Array, Array | None]:
    """A decoded frame as (H, W, 3) RGB, uint8, or uint16 if `deep`, and (H, W) alpha where it has some."""
    palette = frame.format.name == "pal8"
    alpha = len(frame.format.components) in (2, 4) or palette
    if frame.format.is_rgb or palette:
        kind = ("rgba64le" if alpha else "rgb48le") if deep else ("rgba" if alpha else "rgb24")
        pixels = frame.reformat(format=kind).to_ndarray()
        return np.ascontiguousarray(pixels[..., :3]), pixels[..., 3].copy() if alpha else None
    depth = 8 if colours.depth <= 8 else 10 if colours.depth <= 10 else 16
    plain = frame.format.name in ("yuv420p", "yuvj420p")
    if not plain:
        kind = f"yuv{'a' if alpha else ''}444p" + {8: "", 10: "10le", 16: "16le"}[depth]
        span = 2 if colours.full else 1
        frame = frame.reformat(format=kind, src_color_range=span, dst_color_range=span)
    size = (frame.width, frame.height)
    planes = [_plane(frame, index, depth) for index in range(4 if alpha and not plain else 3)]
    planes[1:3] = [
        plane if plane.shape == size[::-1] else cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        for plane in planes[1:3]
    ]
    top = 65535.0 if deep else 255.0
    way = _to_yuv(colours.weights(frame.height), colours.full, top, depth)
    back = np.linalg.inv(way[:, :3])
    matrix = np.concatenate([back, -(back @ way[:, 3:])], axis=1)
    stacked = cv2.merge(planes[:3])
    if depth == 8 and deep:
        stacked = stacked.astype(np.uint16)
    rgb = cv2.transform(stacked, matrix)
    if depth > 8 and not deep:
        rgb = rgb.clip(0, 255).astype(np.uint8)
    cover = None
    if len(planes) == 4:
        share = planes[3].astype(np.float32) * np.float32(top / (2**depth - 1))
        cover = np.rint(share).astype(np.uint16 if deep else np.uint8)
    return rgb, cover


def from_rgb(rgb: Array, alpha: Array | None, kind: str, colours: Colours) -> "VideoFrame":
    """(H, W, 3) RGB, uint8 or uint16, with (H, W) alpha if `kind` holds it, as a frame of that pixel format.

    `kind` is yuv420p, yuva420p, yuv422p10le, yuv420p10le or yuva444p10le: planes, chroma shared by 1, 2 or 4.
    """
    from av.video.frame import VideoFrame

    height, width = rgb.shape[:2]
    frame = VideoFrame(width, height, kind)
    depth = 10 if kind.endswith("10le") else 8
    top = float(np.iinfo(rgb.dtype).max)
    matrix = _to_yuv(colours.weights(height), colours.full, top, depth)
    wide = rgb if rgb.dtype == np.uint16 or depth == 8 else rgb.astype(np.uint16)
    planes = list(cv2.split(cv2.transform(wide, matrix)))
    if alpha is not None:
        scale = (2**depth - 1) / np.iinfo(alpha.dtype).max
        planes.append(alpha if scale == 1 else np.rint(alpha * np.float32(scale)))
    for index, plane in enumerate(planes):
        room = _plane(frame, index, depth)
        if room.shape != plane.shape:
            plane = cv2.resize(plane, room.shape[::-1], interpolation=cv2.INTER_AREA)
        np.copyto(room, plane, casting="unsafe")
    return frame


def _plane(frame: "VideoFrame", index: int, depth: int) -> Array:
    """A plane of the frame as an array over its own memory."""
    plane = frame.planes[index]
    kind = np.dtype("u1" if depth == 8 else "<u2")
    memory: Any = plane
    rows = np.frombuffer(memory, kind).reshape(plane.height, plane.line_size // kind.itemsize)
    return rows[:, : plane.width]
