"""Devices that ONNX Runtime can run a model on besides the CPU, by the name one asks for them by."""

from typing import NamedTuple


class Device(NamedTuple):
    provider: str
    """What ONNX Runtime calls it."""
    cure: str
    """How to get it."""


DEVICES = {
    "cuda": Device(
        "CUDAExecutionProvider",
        "with an NVIDIA card: pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'",
    ),
    "coreml": Device("CoreMLExecutionProvider", "on macOS: pip install --force-reinstall onnxruntime"),
    "directml": Device(
        "DmlExecutionProvider", "on Windows: pip uninstall onnxruntime && pip install onnxruntime-directml"
    ),
    "openvino": Device(
        "OpenVINOExecutionProvider", "pip uninstall onnxruntime && pip install onnxruntime-openvino"
    ),
}


def provider_of(device: str, present: list[str]) -> str:
    """The provider of `device`, if it is among those `present`. Raises ModelError with the cure if not."""
    from . import ModelError

    provider, cure = DEVICES[device]
    if provider not in present:
        has = ", ".join(name.removesuffix("ExecutionProvider") for name in present)
        raise ModelError(f"no {device} here: this ONNX Runtime has {has} only; {cure}")
    return provider
