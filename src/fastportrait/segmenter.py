"""Segmenter: a photo or a camera frame in, its alpha out.

frame (H, W, 3) --to_network--> image --engine--> mask --from_network--> (h, w) --refine--> alpha (H, W)
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import transform, weights
from .engines import open_engine
from .subject import SUBJECTS, main_subject

if TYPE_CHECKING:
    from .stream import Stream

STRETCH = transform.SQUASH
"""Chosen on val, as PRESENT is: docs/models.md has both tables."""

PRESENT = 0.9
"""The presence below which nobody is there."""
SHARE = 0.01
"""Presence is the mean of this most confident share of the mask."""


class Segmenter:
    """A model, ready to run. Safe to share between threads."""

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        threads: int | None = None,
        engine: str = "auto",
        subject: str = "all",
    ) -> None:
        """`model` is a shipped name (None: the small one), a file, or a folder that `fastportrait export`
        wrote; `threads` None uses up to four. `engine` "auto" takes the file's own, of a folder the fastest
        that is installed, measured; "cuda", "coreml", "directml" or "openvino" an ONNX file on that device.
        With the `subject` "main" only the main person of several is kept.

        Raises ValueError where there is no such model, it is no portrait network, or its engine is missing.
        """
        if subject not in SUBJECTS:
            raise ValueError(f"subject is {subject!r}; it must be {' or '.join(SUBJECTS)}")
        self.subject = subject
        self.engine = open_engine(weights.find(model), engine=engine, threads=threads)

    def __call__(self, image: ArrayLike) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB -> alpha, (H, W) float32 in [0, 1]; all zero where nobody is.

        A PIL image in mode RGB will do, as anything that `np.asarray` makes one of. Raises ValueError.
        """
        frame = as_frame(image)
        return self.alpha(frame, self.mask(frame))

    def mask(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's own answer, (h, w) in [0, 1], at its own resolution, edge on edge with the frame.

        Where the subject is the main person, everyone else is 0 in it.
        """
        image, where = transform.to_network(frame, self.engine.size, STRETCH)
        return self.kept(transform.from_network(self.engine(image), where))

    def kept(self, mask: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of a network's mask (h, w) what the subject asks for."""
        return main_subject(mask) if self.subject == "main" else mask

    @staticmethod
    def presence(mask: NDArray[np.float32]) -> float:
        """How sure it is, in [0, 1], that somebody is in the picture; PRESENT or more means yes."""
        small = transform.resize(mask, (min(mask.shape[0], 256), min(mask.shape[1], 256))).ravel()
        count = max(1, round(SHARE * small.size))
        return float(np.partition(small, -count)[-count:].mean())

    def alpha(self, frame: NDArray[np.uint8], mask: NDArray[np.float32]) -> NDArray[np.float32]:
        """`mask` at the frame's size, its edges drawn on the frame's; all zero where nobody is."""
        from .refine import refine

        if self.presence(mask) < PRESENT:
            return np.zeros(frame.shape[:2], np.float32)
        return refine(frame, mask)

    def stream(self, *, steady: bool = True, idle: bool = False) -> "Stream":
        """For the frames of one video or camera in turn: `alpha = stream(frame)`. See `Stream`."""
        from .stream import Stream

        return Stream(self, steady=steady, idle=idle)


def cut(image: ArrayLike, background: Any = None) -> NDArray[np.uint8]:
    """The person of a photo, (H, W, 3) uint8 RGB, cut out by the default model.

    Without a background: (H, W, 4) uint8, straight alpha. On one, (H, W, 3) uint8: an (r, g, b) colour, a
    picture as (h, w, 3) uint8, which covers the frame, or "blur". Raises ValueError on anything else.
    """
    from . import compose

    frame = as_frame(image)
    alpha = _default()(frame)
    return compose.cutout(frame, alpha) if background is None else compose.composite(frame, alpha, background)


@cache
def _default() -> Segmenter:
    return Segmenter()


def as_frame(image: ArrayLike) -> NDArray[np.uint8]:
    """`image` as a contiguous (H, W, 3) uint8 array; ValueError, with the cure, if it is not that already."""
    frame = np.asarray(image)
    if frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype == np.uint8 and frame.size:
        return np.ascontiguousarray(frame)
    if frame.dtype.kind == "f":
        cure = "for values in [0, 1]: (image * 255).round().astype('uint8')"
    elif frame.ndim == 3 and frame.shape[0] == 3:
        cure = "for channels first: image.transpose(1, 2, 0)"
    else:
        cure = "for a PIL image: image.convert('RGB')"
    raise ValueError(
        f"image is {frame.shape} {frame.dtype}; it must be (height, width, 3) uint8, RGB, not empty; {cure}"
    )
