"""Runs a file N times, in the emulated machine or in this one: the same code in both.

    python guest.py RUNTIME FILE INPUT.npy OUTPUT.npy N

It stands alone: in the emulated machine there are NumPy and the runtimes, and nothing of this package.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def onnx(path: str) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: np.asarray(session.run(None, {name: image})[0], np.float32)


def litert(path: str) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    entry, way_out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(entry, image)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(way_out), np.float32)

    return run


def ncnn(path: str) -> Run:
    """`path` is the .param; the .bin lies beside it. With the options of engines/ncnn.py."""
    import ncnn as runtime

    net: Any = runtime.Net()
    net.opt.num_threads = 1
    net.opt.use_winograd_convolution = False
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{option}", False)
    if net.load_param(path) or net.load_model(path.removesuffix(".param") + ".bin"):
        raise SystemExit(f"ncnn cannot load {path}")

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        with net.create_extractor() as extractor:
            extractor.input("in0", runtime.Mat(np.ascontiguousarray(image[0])).clone())
            failed, alpha = extractor.extract("out0")
            if failed:
                raise SystemExit(f"ncnn stops on {path} (code {failed})")
            return np.array(alpha, np.float32)[None]

    return run


RUNTIMES: dict[str, Callable[[str], Run]] = {"onnx": onnx, "litert": litert, "ncnn": ncnn}


def main(runtime: str, path: str, image: str, out: str, times: str) -> None:
    run, given = RUNTIMES[runtime](path), np.load(image)
    for _ in range(int(times)):
        alpha = run(given)
    np.save(out, alpha)


if __name__ == "__main__":
    main(*sys.argv[1:])
