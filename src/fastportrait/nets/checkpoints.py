"""Public checkpoints: from the names of their layers to ours."""

from torch import Tensor


def renamed(state: dict[str, Tensor], places: dict[str, str], what: str) -> dict[str, Tensor]:
    """`state` under our names; `places`: layer there -> layer here, for every layer.

    Raises `ValueError` on a key that has no place, and on a layer that gets nothing: `what` ("a ResNet-50 in
    torchvision's layout") is named. Only batch norm's step counters are left out, which nothing reads.
    """
    found = {}
    for key, value in state.items():
        layer, _, leaf = key.rpartition(".")
        if leaf == "num_batches_tracked":
            continue
        if layer not in places:
            raise ValueError(f"{key!r} is no layer of {what}")
        found[f"{places[layer]}.{leaf}"] = value
    for there, here in places.items():
        if f"{here}.weight" not in found:
            raise ValueError(f"the checkpoint has no {there}.weight: is it {what}?")
    return found
