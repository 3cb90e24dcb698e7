"""How each other system is run: its own preparation of a frame, its network, and what its answer means.

frame (H, W, 3) uint8 RGB --prepare--> the network's input --network--> outputs --alpha--> (h, w) in [0, 1]

Masks come back to the frame's size by bilinear interpolation, which is what their own examples do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .custom_op import standard

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]
Run = Callable[..., list[Any]]

RUNTIMES = {".onnx": ("ONNX Runtime", "onnxruntime"), ".tflite": ("LiteRT", "ai-edge-litert")}


@dataclass(frozen=True)
class Peer:
    prepare: Callable[[Frame], Plane]
    run: Run
    alpha: Callable[[list[Any]], Plane]
    extra: Callable[[Plane], dict[str, Plane]] = lambda image: {}
    """Further inputs that the network takes beside an image, by name."""

    def __call__(self, frame: Frame) -> Plane:
        """(H, W, 3) uint8 RGB -> (H, W) float32 in [0, 1]."""
        mask = self.mask(frame)
        return np.clip(cv2.resize(mask, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR), 0, 1)

    def mask(self, frame: Frame) -> Plane:
        """The network's own answer, at its own resolution."""
        return np.ascontiguousarray(self.alpha(self.network(self.prepare(frame))), np.float32)

    def network(self, image: Plane) -> list[Any]:
        """The network alone, for timing."""
        return self.run(image, **self.extra(image))


def runtime(path: Path) -> str:
    """ "ONNX Runtime 1.22.0, CPU": what runs a file of this ending, with its version."""
    from importlib.metadata import version

    name, package = RUNTIMES[path.suffix]
    return f"{name} {version(package)}, CPU"


def onnx(path: Path, threads: int) -> Run:
    """The file's network: its first input and further ones by name -> all outputs."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0].name
    return lambda image, **more: list(session.run(None, {first: image, **more}))


def litert(path: Path, threads: int) -> Run:
    """The file's network: its input -> [its first output]."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ValueError(
            f"{path.name} needs LiteRT ({error}); run: pip install 'fastportrait[peers]'"
        ) from None
    interpreter = Interpreter(model_content=standard(path.read_bytes()), num_threads=threads)
    interpreter.allocate_tensors()
    entry, way_out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image: Plane) -> list[Any]:
        interpreter.set_tensor(entry, image)
        interpreter.invoke()
        return [interpreter.get_tensor(way_out)]

    return run


def _small(frame: Frame, height: int, width: int) -> Plane:
    """(height, width, 3) float32 in 0..255."""
    shrinks = height < frame.shape[0] or width < frame.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(frame, (width, height), interpolation=how).astype(np.float32)


def _planes(pixels: Plane) -> Plane:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)


def mediapipe(height: int, width: int) -> Callable[[Path, int], Peer]:
    def prepare(frame: Frame) -> Plane:
        return _small(frame, height, width)[None] / np.float32(255)

    return lambda path, threads: Peer(prepare, litert(path, threads), lambda out: out[0][0, :, :, 0])


def multiclass(path: Path, threads: int) -> Peer:
    """Six classes, the background first. Its softmax stays between 0.10 and 0.97: stretched here."""

    def alpha(out: list[Any]) -> Plane:
        odds = np.exp(out[0][0] - out[0][0].max(-1, keepdims=True))
        person = 1 - odds[..., 0] / odds.sum(-1)
        return np.clip((person - 0.10) / 0.87, 0, 1)

    return Peer(lambda frame: _small(frame, 256, 256)[None] / 127.5 - 1, litert(path, threads), alpha)


def pphumanseg(path: Path, threads: int) -> Peer:
    return Peer(
        lambda frame: _planes(_small(frame, 256, 256) / 127.5 - 1),
        onnx(path, threads),
        lambda out: out[0][0, 1],
    )


def sinet(size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Callable[[Path, int], Peer]:
    """Blue, green, red; normalised in 0..255 and divided by 255 after that, as it was trained."""

    centre: Plane = np.array(mean, np.float32)
    scale: Plane = np.array(std, np.float32) * np.float32(255)

    def prepare(frame: Frame) -> Plane:
        colours = _small(frame, size, size)[:, :, ::-1]
        return _planes((colours - centre) / scale)

    return lambda path, threads: Peer(prepare, onnx(path, threads), lambda out: out[0][0, 1])


def u2netp(path: Path, threads: int) -> Peer:
    """Pixels are divided by the frame's brightest, the answer is stretched from its least to its most."""

    mean: Plane = np.array((0.485, 0.456, 0.406), np.float32)
    std: Plane = np.array((0.229, 0.224, 0.225), np.float32)

    def prepare(frame: Frame) -> Plane:
        pixels = _small(frame, 320, 320)
        pixels /= max(float(pixels.max()), 1e-6)
        return _planes((pixels - mean) / std)

    def alpha(out: list[Any]) -> Plane:
        least, most = float(out[0].min()), float(out[0].max())
        return (out[0][0, 0] - np.float32(least)) / np.float32(max(most - least, 1e-6))

    return Peer(prepare, onnx(path, threads), alpha)


def modnet(path: Path, threads: int) -> Peer:
    """The short side to 512, the long one to at most 1280, both in multiples of 32."""

    def prepare(frame: Frame) -> Plane:
        sides = frame.shape[:2]
        scale = min(512 / min(sides), 1280 / max(sides))
        height, width = (max(32, 32 * round(side * scale / 32)) for side in sides)
        return _planes(_small(frame, height, width) / 127.5 - 1)

    return Peer(prepare, onnx(path, threads), lambda out: out[0][0, 0])


def rvm(path: Path, threads: int) -> Peer:
    """As for a still: an empty memory, the frame at its own size, at most 512 pixels along inside."""
    empty = np.zeros((1, 1, 1, 1), np.float32)
    memory = {f"r{n}i": empty for n in range(1, 5)}

    def extra(image: Plane) -> dict[str, Plane]:
        return {"downsample_ratio": np.array([min(1.0, 512 / max(image.shape[2:]))], np.float32), **memory}

    def prepare(frame: Frame) -> Plane:
        return _planes(frame.astype(np.float32) / np.float32(255))

    return Peer(prepare, onnx(path, threads), lambda out: out[1][0, 0], extra)
