"""A film for the browser's fake camera, with the mask that Python finds in each of its frames.

    python app/e2e/camera.py OUT

Writes OUT/camera.mjpeg, and per frame OUT/0-frame.png and OUT/0-alpha.png. The subject is the public-domain
portrait of examples/, panned slowly, then mirrored and nearer: two scenes, told apart by their frames.
"""

import sys
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray
from PIL import Image

from fastportrait.segmenter import Segmenter

ROOT = Path(__file__).resolve().parents[2]
SIZE = (640, 480)
STEPS = 6
"""Different frames of each scene."""
HOLD = 4
"""How often each is repeated: Chromium shows them at its own pace."""
HD = Colorspace.ITU709


def scenes() -> list[NDArray[np.uint8]]:
    """(480, 640, 3) RGB each."""
    astronaut = np.asarray(Image.open(ROOT / "examples/astronaut.jpg").convert("RGB"))
    made = []
    for step in range(STEPS):
        crop = astronaut[10 * step : 10 * step + 384]
        made.append(cv2.resize(crop, SIZE, interpolation=cv2.INTER_LINEAR))
    for step in range(STEPS):
        crop = np.ascontiguousarray(astronaut[12 * step : 12 * step + 300, 30:430][:, ::-1])
        made.append(cv2.resize(crop, SIZE, interpolation=cv2.INTER_LINEAR))
    return [cv2.GaussianBlur(frame, (0, 0), 0.8) for frame in made]  # as a lens does; JPEG keeps it well


def written(frame: NDArray[np.uint8]) -> av.VideoFrame:
    """Chromium's fake camera takes a JPEG's bytes for video's: 16..235, and the colours of HD."""
    video = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
        format="yuv420p", src_colorspace=HD, dst_colorspace=HD
    )
    return av.VideoFrame.from_ndarray(video.to_ndarray(), format="yuvj420p")


def read(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """What the page sees of a frame of the film: (480, 640, 3) RGB."""
    video = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
    return video.reformat(format="rgb24", src_colorspace=HD, dst_colorspace=HD).to_ndarray()


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    segmenter = Segmenter("small", threads=1)
    with av.open(str(out / "camera.mjpeg"), "w", format="mjpeg") as film:
        stream = film.add_stream("mjpeg", rate=30)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p"
        stream.codec_context.qmin = stream.codec_context.qmax = 2
        for frame in scenes():
            for _ in range(HOLD):
                film.mux(stream.encode(written(frame)))
        film.mux(stream.encode())
    with av.open(str(out / "camera.mjpeg")) as film:  # what the camera shows is what JPEG left of it
        frames = [read(frame) for frame in film.decode(video=0)]
    for index, frame in enumerate(frames[::HOLD]):
        Image.fromarray(frame).save(out / f"{index}-frame.png")
        Image.fromarray(np.rint(segmenter.mask(frame) * 255).astype(np.uint8)).save(
            out / f"{index}-alpha.png"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
