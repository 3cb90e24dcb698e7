"""The operations of Core ML's intermediate language (MIL) that the zoo's networks become, in torch.

Each takes the arguments that the program names, as `mil.Program` gives them: values as float32 tensors, a
tensor of integers, truth values or text as plain Python. What it does not know it refuses, by name. Meanings
are those of Apple's op reference (coremltools 9, `coremltools.converters.mil.mil.ops.defs`).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def conv(
    x: Tensor,
    weight: Tensor,
    strides: list[int],
    pad_type: str,
    pad: list[int],
    dilations: list[int],
    groups: int,
    bias: Tensor | None = None,
) -> Tensor:
    """`pad` is top, bottom, left, right."""
    x = _padded(x, pad_type, pad)
    return F.conv2d(x, weight, bias, strides, 0, dilations, groups)


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    strides: list[int],
    pad_type: str,
    pad: list[int],
    dilations: list[int],
    groups: int,
    bias: Tensor | None = None,
    output_shape: list[int] | None = None,
) -> Tensor:
    """`pad` is cut off what a transposed convolution without padding gives."""
    full = F.conv_transpose2d(x, weight, bias, strides, 0, 0, groups, dilations)
    top, bottom, left, right = _amounts(pad_type, pad)
    whole = full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]
    if output_shape is not None and list(whole.shape) != output_shape:
        raise ValueError(f"output_shape {output_shape} where the padding gives {list(whole.shape)}")
    return whole


def max_pool(
    x: Tensor, kernel_sizes: list[int], strides: list[int], pad_type: str, pad: list[int], ceil_mode: bool
) -> Tensor:
    return F.max_pool2d(x, kernel_sizes, strides, _even(pad_type, pad), ceil_mode=ceil_mode)


def avg_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int],
    pad_type: str,
    pad: list[int],
    exclude_padding_from_average: bool,
    ceil_mode: bool,
) -> Tensor:
    around, counted = _even(pad_type, pad), not exclude_padding_from_average
    return F.avg_pool2d(x, kernel_sizes, strides, around, ceil_mode, counted)


def upsample_bilinear(
    x: Tensor,
    scale_factor_height: Any,
    scale_factor_width: Any,
    align_corners: bool,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """Without aligned corners pixel i lies at (i + 0.5) / scale - 0.5 of the source."""
    if half_pixel_centers is align_corners:
        raise ValueError("only half-pixel centres, or aligned corners, are known here")
    scale = (float(scale_factor_height), float(scale_factor_width))
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=align_corners)


def upsample_nearest_neighbor(x: Tensor, scale_factor_height: Any, scale_factor_width: Any) -> Tensor:
    scale = (float(scale_factor_height), float(scale_factor_width))
    return F.interpolate(x, scale_factor=scale, mode="nearest")


def batch_norm(
    x: Tensor, mean: Tensor, variance: Tensor, epsilon: Tensor, gamma: Tensor, beta: Tensor
) -> Tensor:
    return F.batch_norm(x, mean, variance, gamma, beta, eps=float(epsilon))


def instance_norm(
    x: Tensor, epsilon: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None
) -> Tensor:
    return F.instance_norm(x, weight=gamma, bias=beta, eps=float(epsilon))


def slice_by_index(
    x: Tensor,
    begin: list[int],
    end: list[int],
    stride: list[int] | None = None,
    begin_mask: list[bool] | None = None,
    end_mask: list[bool] | None = None,
    squeeze_mask: list[bool] | None = None,
) -> Tensor:
    """Python's slices; a mask means "from the start", "to the end", "this one alone, without its axis"."""
    axes = range(len(begin))
    steps = stride or [1 for _ in axes]
    cut: list[Any] = []
    for i in axes:
        if squeeze_mask and squeeze_mask[i]:
            cut.append(begin[i])
        else:
            first = None if begin_mask and begin_mask[i] else begin[i]
            last = None if end_mask and end_mask[i] else end[i]
            cut.append(slice(first, last, steps[i]))
    return x[tuple(cut)]


def split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: list[int] | None = None
) -> tuple[Tensor, ...]:
    sizes = split_sizes or x.shape[axis] // int(num_splits or 1)
    return x.split(sizes, axis)  # type: ignore[no-untyped-call]


def concat(values: list[Tensor], axis: int, interleave: bool) -> Tensor:
    if interleave:
        raise ValueError("interleaved concatenation is not known here")
    return torch.cat(values, axis)


def crop(x: Tensor, crop_height: list[int], crop_width: list[int]) -> Tensor:
    (top, bottom), (left, right) = crop_height, crop_width
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


def gather(x: Tensor, indices: Any, axis: int, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    if batch_dims:
        raise ValueError("gathering with batch_dims is not known here")
    return x.index_select(axis, torch.tensor(indices))


def expand_dims(x: Tensor, axes: list[int]) -> Tensor:
    """`axes` are those of the result."""
    for axis in sorted(axis % (x.ndim + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


def reduce(what: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduced(x: Tensor, axes: list[int], keep_dims: bool) -> Tensor:
        return what(x, dim=axes, keepdim=keep_dims)

    return reduced


def gelu(x: Tensor, mode: str) -> Tensor:
    if mode not in ("EXACT", "TANH_APPROXIMATION"):
        raise ValueError(f"gelu {mode} is not known here")
    return F.gelu(x, approximate="none" if mode == "EXACT" else "tanh")


def cast(x: Tensor, dtype: str) -> Tensor:
    """Rounding to half precision is done where every result is rounded to its type."""
    if dtype not in ("fp16", "fp32"):
        raise ValueError(f"a cast to {dtype} is not known here")
    return x.float()


def pad(x: Tensor, pad: list[int], mode: str, constant_val: Any = 0.0) -> Tensor:
    """`pad` is before and after for the last axes, the first of them first."""
    if mode != "constant":
        raise ValueError(f"padding {mode!r} is not known here")
    pairs = [pad[i : i + 2] for i in range(0, len(pad), 2)]
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=float(constant_val))


def constexpr_affine_dequantize(quantized_data: Tensor, zero_point: Any, scale: Any, axis: int) -> Tensor:
    """8-bit weights: scale * (data - zero point), the two a number or one for each index of `axis`."""
    shape = [-1 if i == axis else 1 for i in range(quantized_data.ndim)]
    zero, factor = (torch.as_tensor(v, dtype=torch.float32) for v in (zero_point, scale))
    if factor.ndim:
        factor = factor.reshape(shape)
    if zero.ndim:
        zero = zero.reshape(shape)
    return factor * (quantized_data.float() - zero)


def _amounts(pad_type: str, pad: list[int]) -> list[int]:
    """top, bottom, left, right"""
    if pad_type == "valid":
        return [0, 0, 0, 0]
    if pad_type != "custom":
        raise ValueError(f"padding {pad_type!r} is not known here")
    return pad


def _padded(x: Tensor, pad_type: str, pad: list[int]) -> Tensor:
    top, bottom, left, right = _amounts(pad_type, pad)
    return F.pad(x, [left, right, top, bottom]) if any((top, bottom, left, right)) else x


def _even(pad_type: str, pad: list[int]) -> list[int]:
    top, bottom, left, right = _amounts(pad_type, pad)
    if (top, left) != (bottom, right):
        raise ValueError(f"pooling with uneven padding {pad} is not known here")
    return [top, left]


OPS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "avg_pool": avg_pool,
    "batch_norm": batch_norm,
    "cast": cast,
    "ceil": lambda x: x.ceil(),
    "clip": lambda x, alpha, beta: x.clamp(float(alpha), float(beta)),
    "concat": concat,
    "constexpr_affine_dequantize": constexpr_affine_dequantize,
    "conv": conv,
    "conv_transpose": conv_transpose,
    "crop": crop,
    "equal": lambda x, y: (x == y).float(),
    "expand_dims": expand_dims,
    "gather": gather,
    "gelu": gelu,
    "greater": lambda x, y: (x > y).float(),
    "greater_equal": lambda x, y: (x >= y).float(),
    "instance_norm": instance_norm,
    "leaky_relu": lambda x, alpha: F.leaky_relu(x, float(alpha)),
    "linear": lambda x, weight, bias=None: F.linear(x, weight, bias),
    "matmul": lambda x, y, transpose_x, transpose_y: (
        (x.mT if transpose_x else x) @ (y.mT if transpose_y else y)
    ),
    "max_pool": max_pool,
    "mul": lambda x, y: x * y,
    "pad": pad,
    "pixel_shuffle": lambda x, upscale_factor: F.pixel_shuffle(x, upscale_factor),
    "reduce_max": reduce(torch.amax),
    "prelu": lambda x, alpha: F.prelu(x, alpha),
    "reduce_mean": reduce(torch.mean),
    "reduce_sum": reduce(torch.sum),
    "relu": lambda x: x.relu(),
    "reshape": lambda x, shape: x.reshape(shape),
    "sigmoid": lambda x: x.sigmoid(),
    "sigmoid_hard": lambda x, alpha, beta: (float(alpha) * x + float(beta)).clamp(0, 1),
    "slice_by_index": slice_by_index,
    "softmax": lambda x, axis: x.softmax(axis),
    "split": split,
    "sub": lambda x, y: x - y,
    "tanh": lambda x: x.tanh(),
    "thresholded_relu": lambda x, alpha: torch.where(x >= float(alpha), x, torch.zeros_like(x)),
    "tile": lambda x, reps: x.repeat(reps),
    "transpose": lambda x, perm: x.permute(perm),
    "upsample_bilinear": upsample_bilinear,
    "upsample_nearest_neighbor": upsample_nearest_neighbor,
}
