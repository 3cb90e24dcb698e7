"""Core ML's operations against torch's layers, and what the interpreter refuses. No coremltools needed."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fastportrait.export.mil_ops import OPS


def picture(channels=4, height=6, width=8):
    return torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("padding", "how"),
    [
        ((0, 0), {"pad_type": "valid", "pad": [9, 9, 9, 9]}),
        ((2, 1), {"pad_type": "custom", "pad": [2, 2, 1, 1]}),
    ],
)
def test_convolution_pads_as_it_is_told(padding, how):
    layer = nn.Conv2d(4, 6, 3, stride=(2, 1), padding=padding, groups=2, dilation=(1, 2))
    found = OPS["conv"](
        picture(), layer.weight, strides=[2, 1], dilations=[1, 2], groups=2, bias=layer.bias, **how
    )
    same(found, layer(picture()))


def test_convolution_takes_uneven_padding():
    weight = torch.ones(1, 4, 3, 3)
    found = OPS["conv"](
        picture(), weight, strides=[1, 1], pad_type="custom", pad=[2, 0, 0, 2], dilations=[1, 1], groups=1
    )
    same(found, F.conv2d(F.pad(picture(), [0, 2, 2, 0]), weight))


def test_transposed_convolution_cuts_its_padding_off():
    layer = nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1)
    found = OPS["conv_transpose"](
        picture(),
        layer.weight,
        strides=[2, 2],
        pad_type="custom",
        pad=[1, 1, 1, 1],
        dilations=[1, 1],
        groups=1,
        bias=layer.bias,
    )
    same(found, layer(picture()))


@pytest.mark.parametrize("counted", [True, False])
def test_average_pool_counts_the_padding_or_not(counted):
    layer = nn.AvgPool2d(3, 2, padding=1, count_include_pad=counted)
    found = OPS["avg_pool"](
        picture(),
        kernel_sizes=[3, 3],
        strides=[2, 2],
        pad_type="custom",
        pad=[1, 1, 1, 1],
        exclude_padding_from_average=not counted,
        ceil_mode=False,
    )
    same(found, layer(picture()))


def test_max_pool_rounds_its_size_up_where_told():
    x = picture(height=5, width=7)
    found = OPS["max_pool"](
        x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid", pad=[0, 0, 0, 0], ceil_mode=True
    )
    same(found, F.max_pool2d(x, 2, 2, ceil_mode=True))


def test_bilinear_enlargement_has_half_pixel_centres():
    row = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    found = OPS["upsample_bilinear"](row, 1, 2, align_corners=False)
    same(found.flatten(), torch.tensor([0.0, 0.25, 0.75, 1.0]))


def test_hard_swish_is_the_product_that_the_converter_makes_of_it():
    x = torch.linspace(-5, 5, 41)
    above = OPS["thresholded_relu"](x, alpha=-3.0)
    same(above * OPS["sigmoid_hard"](x, alpha=1 / 6, beta=0.5), F.hardswish(x))


def test_norms_are_torchs():
    mean, variance, gamma, beta = torch.randn(4), torch.rand(4) + 0.5, torch.randn(4), torch.randn(4)
    found = OPS["batch_norm"](
        picture(), mean=mean, variance=variance, epsilon=torch.tensor(1e-5), gamma=gamma, beta=beta
    )
    same(found, F.batch_norm(picture(), mean, variance, gamma, beta))
    found = OPS["instance_norm"](picture(), epsilon=torch.tensor(1e-5), gamma=gamma, beta=beta)
    same(found, F.instance_norm(picture(), weight=gamma, bias=beta))


def test_slices_keep_to_masks_over_their_numbers():
    x = picture()
    found = OPS["slice_by_index"](
        x,
        begin=[0, 1, 2, 3],
        end=[0, 3, 0, -1],
        begin_mask=[True, False, False, False],
        end_mask=[True, False, True, False],
        squeeze_mask=[False, False, False, False],
        stride=[1, 1, 2, 1],
    )
    same(found, x[:, 1:3, 2::2, 3:-1])
    alone = OPS["slice_by_index"](x, [0, 2, 0, 0], [1, 3, 6, 8], squeeze_mask=[True, True, False, False])
    same(alone, x[0, 2])


def test_shapes_and_axes():
    x = picture()
    one, rest = OPS["split"](x, axis=1, split_sizes=[1, 3])
    same(OPS["concat"]([rest, one], axis=1, interleave=False), torch.cat([x[:, 1:], x[:, :1]], 1))
    assert [part.shape[1] for part in OPS["split"](x, axis=1, num_splits=2)] == [2, 2]
    same(OPS["gather"](x, indices=[3, 0], axis=1), x[:, [3, 0]])
    same(OPS["crop"](x, crop_height=[1, 2], crop_width=[0, 3]), x[:, :, 1:-2, :-3])
    assert OPS["expand_dims"](torch.zeros(1, 5), axes=[-2, -1]).shape == (1, 5, 1, 1)
    same(OPS["reduce_mean"](x, axes=[2, 3], keep_dims=True), x.mean((2, 3), keepdim=True))
    same(OPS["matmul"](x, x, transpose_x=False, transpose_y=True), x @ x.transpose(2, 3))


def test_weights_of_eight_bits_widen_by_the_scale_of_their_axis():
    data = torch.tensor([[-128, 0, 127], [1, 2, 3]], dtype=torch.int8)
    found = OPS["constexpr_affine_dequantize"](data, 0, torch.tensor([0.5, 2.0]), axis=0)
    same(found, torch.tensor([[-64.0, 0.0, 63.5], [2.0, 4.0, 6.0]]))
    shifted = OPS["constexpr_affine_dequantize"](data, [-1, 1], torch.tensor([0.5, 2.0]), axis=0)
    same(shifted, torch.tensor([[-63.5, 0.5, 64.0], [0.0, 2.0, 4.0]]))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("conv", {"pad_type": "same", "pad": [0] * 4, "strides": [1, 1], "dilations": [1, 1], "groups": 1}),
        ("concat", {"axis": 1, "interleave": True}),
        ("cast", {"dtype": "int32"}),
        ("gelu", {"mode": "SIGMOID_APPROXIMATION"}),
    ],
)
def test_a_form_of_an_operation_that_is_not_known_is_refused(name, arguments):
    given = {"conv": (picture(), torch.zeros(1, 4, 1, 1)), "concat": ([picture()],)}.get(name, (picture(),))
    with pytest.raises(ValueError, match="not known here"):
        OPS[name](*given, **arguments)


def test_an_argument_that_is_not_known_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword"):
        OPS["relu"](picture(), slope=0.1)


def test_prelu_and_a_norm_without_scale_are_torchs():
    x, slopes = torch.randn(2, 3, 4, 5), torch.tensor([0.1, 0.5, 2.0])
    torch.testing.assert_close(OPS["prelu"](x, alpha=slopes), F.prelu(x, slopes))
    torch.testing.assert_close(OPS["instance_norm"](x, epsilon=torch.tensor(1e-5)), F.instance_norm(x))
