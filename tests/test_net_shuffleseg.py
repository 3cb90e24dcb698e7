"""ShuffleSeg: the way up."""

import torch
from torch.nn import functional as F

from fastportrait.nets import ZOO
from fastportrait.nets.shufflenetv1 import ShuffleNetV1
from fastportrait.nets.shuffleseg import SkipDecoder, enlarge


def test_the_transposed_convolutions_begin_as_bilinear_interpolation():
    x = torch.randn(1, 3, 6, 6)
    for factor in (2, 8):
        ours = enlarge(3, factor)(x)
        bilinear = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
        inside = slice(factor, -factor)  # at the border the one pads with zeros, the other repeats
        torch.testing.assert_close(ours[..., inside, inside], bilinear[..., inside, inside])


def test_the_decoder_hears_three_strides_and_ends_at_the_images_size():
    torch.manual_seed(0)
    decoder = SkipDecoder([3, 4, 5], classes=2)
    maps = [torch.rand(1, 3, 8, 8), torch.rand(1, 4, 4, 4), torch.rand(1, 5, 2, 2)]
    scores = decoder(*maps)
    assert scores.shape == (1, 2, 64, 64)
    for i in range(3):
        assert not torch.allclose(decoder(*(m + (i == j) for j, m in enumerate(maps))), scores)


def test_its_trunk_is_shufflenets():
    with torch.device("meta"):
        seg, classifier = ZOO["shuffleseg"].build(), ShuffleNetV1()
    shapes = [
        {name: value.shape for name, value in net.state_dict().items() if name.startswith("trunk.")}
        for net in (seg, classifier)
    ]
    assert shapes[0] == shapes[1]
