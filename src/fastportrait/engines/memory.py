"""Networks with memory: what their engines have beyond `Engine`, and how a file says that it has one.

The memory is plain tensors, zero before the first frame: maps of features (RVM-like), or the last mask as a
fourth channel. A file with memory has inputs "image", "state_0", "state_1", ... and outputs "alpha",
"next_0", "next_1", ..., each of these two of one shape; what comes out as next_0 goes in as state_0 with the
next frame. A single picture is a first frame.
"""

from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from . import ModelError

State = tuple[NDArray[np.float32], ...]
INPUT, OUTPUT = "state_", "next_"


class Remembering(Protocol):
    """An `Engine` that also has these."""

    def start(self) -> State:
        """The memory before the first frame; empty where the network has none."""
        ...

    def step(self, image: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """A frame (1, 3, h, w) and the memory -> its alpha (1, 1, h, w) and the new memory."""
        ...


def remembers(engine: Any) -> TypeGuard[Remembering]:
    """Whether the network that `engine` runs has a memory."""
    start = getattr(engine, "start", None)
    return start is not None and bool(start())


def shapes(path: str | Path, inputs: list[Any], outputs: list[Any]) -> list[tuple[int, ...]]:
    """Of the memory, from what ONNX Runtime says of a file's inputs and outputs; empty where it has none.

    Raises ModelError where what goes in is not what comes out, or a size is not fixed.
    """
    into = {i.name: (i.type, i.shape) for i in inputs if i.name.startswith(INPUT)}
    out_of = {o.name: (o.type, o.shape) for o in outputs if o.name.startswith(OUTPUT)}
    found = []
    for index in range(max(len(into), len(out_of))):
        one, other = into.get(f"{INPUT}{index}"), out_of.get(f"{OUTPUT}{index}")
        if (
            one is None
            or one != other
            or one[0] != "tensor(float)"
            or not all(type(n) is int for n in one[1])
        ):
            raise ModelError(
                f"{path}: its memory is broken: {INPUT}{index} is {one or 'missing'}, "
                f"{OUTPUT}{index} is {other or 'missing'}; both must be float32 of one fixed shape"
            )
        found.append(tuple(one[1]))
    return found


def is_memory(name: str) -> bool:
    """Whether an input or output of this name belongs to the memory."""
    return name.startswith((INPUT, OUTPUT))
