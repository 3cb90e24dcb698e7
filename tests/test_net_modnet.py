"""MODNet: the mixed norm, and what each branch sees."""

import torch
from torch import nn
from torch.nn import functional as F

from fastportrait.nets.modnet import ConvIBN, IBNorm, MODNet, shrunk


def test_half_of_the_channels_remember_the_data_and_half_see_each_image_alone():
    torch.manual_seed(0)
    norm = IBNorm(8)
    for _ in range(20):
        norm(3 + torch.rand(4, 8, 16, 16))
    bright = 5 + torch.rand(1, 8, 16, 16)
    y = norm.eval()(bright)
    assert y[:, :4].mean() > 1  # brighter than what it has seen
    assert y[:, 4:].mean().abs() < 1e-5  # the brightness of this image is taken out of it
    torch.testing.assert_close(y[:, 4:], F.instance_norm(bright)[:, 4:])


def test_a_fused_block_has_no_batch_norm_and_gives_the_same():
    torch.manual_seed(0)
    block = ConvIBN(6, 8, kernel=3, stride=2)
    nn.init.uniform_(block.norm.batch.weight, 0.5, 2)
    nn.init.uniform_(block.norm.batch.bias, -1, 1)
    for _ in range(5):
        block(torch.rand(2, 6, 16, 16))
    block.eval()
    fused, x = block.fuse(), torch.rand(1, 6, 16, 16)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
    torch.testing.assert_close(fused(x), block(x), rtol=1e-5, atol=1e-5)


def test_a_network_may_be_deployed_twice():
    net = MODNet().eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(net.deploy().deploy()(image), net(image), rtol=1e-4, atol=1e-4)


def test_half_an_image_is_the_mean_of_each_square_of_four():
    image = torch.rand(1, 3, 8, 12)
    torch.testing.assert_close(shrunk(image, 2), F.avg_pool2d(image, 2))
    assert shrunk(image, 4).shape == (1, 3, 2, 3)


def test_meaning_is_learnt_at_a_sixteenth_and_detail_at_full_size():
    with torch.device("meta"):
        outputs = MODNet().outputs(torch.empty(2, 3, 64, 96))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "mask": (2, 1, 64, 96),
        "mask_semantic": (2, 1, 4, 6),
        "mask_detail": (2, 1, 64, 96),
    }
