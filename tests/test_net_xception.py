import torch
from torch import nn

from fastportrait.nets.xception import ENTRY71, Classifier, Sep, Trunk


def test_the_published_start_is_not_padded():
    with torch.device("meta"):
        net, image = Classifier(), torch.empty(1, 3, 299, 299)
        assert net.trunk[:3](image).shape[-1] == 149
        assert net.trunk[:6](image).shape[-1] == 147
        assert net.trunk(image).shape == (1, 2048, 10, 10)


def test_nothing_stands_between_depthwise_and_pointwise():
    kinds = [type(layer) for layer in Sep(4, 6)]
    assert kinds == [nn.Conv2d, nn.Conv2d, nn.BatchNorm2d]


def test_the_first_block_does_not_begin_with_a_relu():
    with torch.device("meta"):
        blocks = [m for m in Classifier().trunk if hasattr(m, "shortcut")]
    assert [isinstance(block.body[0], nn.ReLU) for block in blocks] == [False, True, True, True]


def test_each_stride_is_seen_before_it_is_taken():
    with torch.device("meta"):
        features = Trunk()(torch.empty(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (128, 32, 48), (256, 16, 24), (728, 8, 12), (1024, 4, 6), (2048, 2, 3),
    ]  # fmt: skip


def test_the_largest_has_two_more_modules_and_the_same_maps():
    with torch.device("meta"):
        small, large = Trunk(middle=8), Trunk(ENTRY71)
        image = torch.empty(1, 3, 64, 64)
        assert [f.shape for f in small(image)] == [f.shape for f in large(image)]
    assert (len(small.flow), len(large.flow)) == (3 + 8 + 1, 5 + 16 + 1)


def test_a_dilated_trunk_sees_what_the_strided_one_sees_at_every_second_pixel():
    torch.manual_seed(0)
    strided, dilated = Trunk(middle=1).eval(), Trunk(middle=1, output_stride=16).eval()
    dilated.load_state_dict(strided.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        coarse, fine = strided(image)[-1], dilated(image)[-1]
    assert fine.shape[-1] == 4
    torch.testing.assert_close(fine[:, :, ::2, ::2], coarse)
