"""fastportrait: a person's mask from a photo or a camera frame.

    import fastportrait, PIL.Image
    photo = PIL.Image.open("me.jpg").convert("RGB")
    cutout = fastportrait.cut(photo)            # (H, W, 4) uint8, straight alpha

Names are loaded on first use, so that `import fastportrait` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compose import composite
    from .segmenter import Segmenter, cut
    from .weights import list_models

__version__ = "0.1.0"

_HOME = {
    "Segmenter": ".segmenter",
    "cut": ".segmenter",
    "composite": ".compose",
    "list_models": ".weights",
}

__all__ = ["Segmenter", "composite", "cut", "list_models"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fastportrait' has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
