"""Quantisation-aware training: a network computes with the rounding that its int8 file will do.

Paper: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
       Inference", 2018, sec. 3. https://arxiv.org/abs/1712.05877
The rounding lies where ONNX Runtime and LiteRT have it in the files that `export` writes: around
convolutions, linear layers, sums, products, concatenations and resizes, with a norm and a ReLU right behind a
layer as part of it. Filters have a scale for each output channel, activations a range for each tensor. The
gradient passes the rounding as if it were not there, and ends where a value is cut off (straight through).
Differs from the paper: norms keep the statistics that they have and learn scale and shift, as weight and bias
of the convolution that they become part of. They need not be folded for it: a factor on an output channel
multiplies that channel's step too, so rounding before or after it is the same.

Nothing of the network is replaced: its operations are seen as they run (`TorchFunctionMode`), and its weights
stay what they are. torchao's flow for this exports the network to a graph with other names, which would have
to be trained in its place.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..export.onnx_int8 import PERCENTILE, SEEN
from ..nets.network import Network

Outputs = dict[str, Tensor]

FILTERS = {"conv2d": 0, "conv_transpose2d": 1, "linear": 0}
"""Operations with weights, and the axis of these that is the output channel."""
QUANTISED = {
    name.format(word) for word in ("add", "mul", "matmul") for name in ("{}", "__{}__", "__r{}__", "__i{}__")
} | {"cat", "concat", "bmm", "avg_pool2d"}
"""Other operations that compute in 8 bits, with a range of their own for what comes out."""
ALIKE = {"interpolate", "upsample", "max_pool2d"}
"""What comes out has the range of what goes in."""
BEHIND = {"relu", "relu_", "relu6", "hardtanh", "dropout", "dropout2d", "feature_dropout"}
"""Part of the operation before them: rounded is what comes out of both."""
LOOKS = {"__get__", "__set__", "__len__", "__hash__", "dim", "numel", "size", "stride"} | {
    "get_device", "is_contiguous", "is_complex", "is_floating_point", "element_size", "ndimension"
}  # fmt: skip
"""What asks a tensor for other things than its values."""
FOLLOWED = 0.25
"""Share of the steps in which ranges follow the activations; then they stand, and weights settle in them."""
KEPT = 0.95
"""Share of a range that each step keeps."""


class Place(NamedTuple):
    """Where activations are rounded, as far as a network must pass the same places for every picture."""

    operation: str
    """That the activations came from; "" where it computes in float."""
    channels: int


class Fresh(NamedTuple):
    """What an operation in 8 bits gave; it is rounded once something other than its norm or ReLU takes it."""

    value: Tensor
    operation: str
    place: int | None
    """Whose range it has; None: its own."""


class FakeQuantise(nn.Module):
    """The ranges of a network's activations, in the order in which they are rounded; part of a checkpoint."""

    low: Tensor
    high: Tensor
    steps: Tensor
    """How often each range has been followed."""

    def __init__(self, places: list[Place]) -> None:
        super().__init__()
        self.places = places
        for name in ("low", "high"):
            self.register_buffer(name, torch.zeros(len(places)))
        self.register_buffer("steps", torch.zeros(len(places)))

    def forward(self, run: Callable[[], Outputs], *, follow: bool) -> Outputs:
        """What `run` gives when it computes with rounding. With `follow` the ranges learn from it.

        Raises `ValueError` where it takes another way through the network than at first.
        """
        with Rounding(self, follow) as rounding:
            return rounding.settled(run())

    def round(self, x: Tensor, place: int, follow: bool) -> Tensor:
        """`x` with 256 values between the ends of its range, of which zero is one."""
        if follow:
            self._follow(x.detach(), place)
        low, high = self.low[place].clamp(max=0), self.high[place].clamp(min=0)
        step = ((high - low) / 255).clamp(min=1e-12)
        zero = (-low / step).round().clamp(0, 255)
        return straight_through(x, step, -zero, 255 - zero)

    def _follow(self, x: Tensor, place: int) -> None:
        ends = extremes(x)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(ends, torch.distributed.ReduceOp.MAX)  # every process's part
        share = (1 / (self.steps[place] + 1)).clamp(min=1 - KEPT)
        self.low[place] += share * (-ends[0] - self.low[place])
        self.high[place] += share * (ends[1] - self.high[place])
        self.steps[place] += 1


def fake_quantise(net: Network, size: tuple[int, int]) -> FakeQuantise:
    """For `net` at (height, width), as it trains.

    Raises `ValueError` where what trains is not what runs in 8 bits.
    """
    modes = {module: module.training for module in net.modules()}
    image = torch.zeros(2, 3, *size, device=net.mean.device)
    try:
        hold_norms(net.train())
        with torch.no_grad(), Rounding(None, follow=False) as training:
            training.settled(net.outputs(image))
        ours, theirs = filters(net.eval(), image), filters(net.deploy(), image)
    finally:
        for module, mode in modes.items():
            module.training = mode
    if ours != theirs:
        raise ValueError(
            f"quantise_aware cannot train {type(net).__name__}: some of its layers train in another form "
            "than they run in, and rounded is what runs"
        )
    return FakeQuantise(training.places)


def filters(net: nn.Module, image: Tensor) -> list[torch.Size]:
    """The shapes of those that make the mask, in their order."""
    with torch.no_grad(), Rounding(None, follow=False) as rounding:
        net(image)
    return rounding.filters


def hold_norms(net: nn.Module) -> None:
    """Batch norms keep their statistics."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def extremes(x: Tensor) -> Tensor:
    """(2,): the ends of what `x` (N, ...) holds, the lower one negated, as the exporter finds them: the
    outermost over its pictures, but without each picture's outermost hundredth of a per cent."""
    values = x.reshape(len(x), -1)
    values = values[:, :: max(1, values.shape[1] // SEEN)]
    place = (values.shape[1] - 1) * (100 - PERCENTILE) / 100  # from the end, as a percentile has it
    outermost = torch.stack([-values, values]).topk(min(int(place) + 2, values.shape[1])).values
    inner, outer = outermost[..., -1], outermost[..., -2:][..., 0]
    return outer.lerp(inner, place % 1).amax(1).float()


def rounded_filters(weight: Tensor, axis: int) -> Tensor:
    """`weight` in steps of a 127th of each output channel's largest."""
    others = [i for i in range(weight.ndim) if i != axis]
    step = (weight.detach().abs().amax(others, keepdim=True) / 127).clamp(min=1e-12)
    most = torch.full_like(step, 127.5)  # nothing is cut off
    return straight_through(weight, step, -most, most)


def straight_through(x: Tensor, step: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
    """`x` in whole steps, of which there are `lowest` to `highest`. The gradient is that of the cut."""
    rounded: Tensor = StraightThrough.apply(x, step, lowest, highest)  # type: ignore[no-untyped-call]
    return rounded


class StraightThrough(torch.autograd.Function):
    """As PyTorch's own `fake_quantize_per_tensor_affine`, at several times its speed on a processor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        steps = (x / step).round_()
        inside = steps.clamp(lowest, highest)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(inside == steps)
        return inside.mul_(step)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor | None, ...]:
        (passes,) = ctx.saved_tensors
        return gradient[0] * passes, None, None, None


class Rounding(TorchFunctionMode):
    """One pass through a network; without `ranges` nothing is rounded, only noted where it would be."""

    def __init__(self, ranges: FakeQuantise | None, follow: bool) -> None:
        super().__init__()
        self.ranges, self.follow = ranges, follow
        self.places: list[Place] = []
        self.filters: list[torch.Size] = []
        # By identity; each holds its tensor, so that no other can get the same one while the pass lasts.
        self.fresh: dict[int, Fresh] = {}
        self.done: dict[int, tuple[Tensor, Tensor, int]] = {}
        self.clean: dict[int, tuple[Tensor, int]] = {}

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for kept in (self.fresh, self.done, self.clean):
            kept.clear()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        before = self.fresh.get(id(args[0])) if args else None
        if name in LOOKS:
            return func(*args, **kwargs)
        if before and (name in BEHIND or (name == "batch_norm" and before.operation in FILTERS)):
            return self._made(func(*args, **kwargs), before.operation, before.place)
        if name in FILTERS:
            x, weight, *rest = args
            self.filters.append(weight.shape)
            if self.ranges is not None:
                weight = rounded_filters(weight, FILTERS[name])
            return self._made(func(self._rounded(x), weight, *rest, **kwargs), name)
        if name in QUANTISED:
            return self._made(func(*self._all(args, self._rounded), **self._all(kwargs, self._rounded)), name)
        args, kwargs = self._all(args, self._settled), self._all(kwargs, self._settled)
        out = func(*args, **kwargs)
        if name in ALIKE and id(args[0]) in self.clean and isinstance(out, Tensor):
            return self._made(out, name, self.clean[id(args[0])][1])
        return out

    def settled(self, outputs: Outputs) -> Outputs:
        """The outputs of a network, rounded where 8 bits gave them."""
        return {name: self._settled(value) for name, value in outputs.items()}

    def _made(self, out: Tensor, operation: str, place: int | None = None) -> Tensor:
        self.clean.pop(id(out), None)  # where it was written in place
        self.fresh[id(out)] = Fresh(out, operation, place)
        return out

    def _all(self, value: Any, change: Callable[[Tensor], Tensor]) -> Any:
        if isinstance(value, Tensor):
            return change(value)
        if isinstance(value, dict):
            return {name: self._all(each, change) for name, each in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self._all(each, change) for each in value)
        return value

    def _settled(self, x: Tensor) -> Tensor:
        """For an operation in float: rounded if an operation in 8 bits gave it."""
        return self._rounded(x) if id(x) in self.fresh else x

    def _rounded(self, x: Tensor) -> Tensor:
        """For an operation in 8 bits; constants are left as they are."""
        if id(x) in self.clean or isinstance(x, nn.Parameter) or not x.is_floating_point() or x.ndim < 2:
            return x
        if id(x) in self.done:
            return self.done[id(x)][1]
        before = self.fresh.get(id(x))
        place = before.place if before else None
        if place is None:
            place = len(self.places)
            self.places.append(Place(before.operation if before else "", x.shape[1]))
            self._check(place)
            value = x if self.ranges is None else self.ranges.round(x, place, self.follow)
        else:
            value = x if self.ranges is None else self.ranges.round(x, place, follow=False)
        if value is x:
            value = x.view_as(x)
        self.done[id(x)] = x, value, place
        self.clean[id(value)] = value, place
        return value

    def _check(self, place: int) -> None:
        ranges = self.ranges
        if ranges is not None and [self.places[place]] != ranges.places[place : place + 1]:
            raise ValueError(
                "quantise_aware wants a network that computes the same for every picture; this one takes "
                f"another way at its activations {place + 1}, {self.places[place]}"
            )
