"""ENet's own promises."""

import torch
from torch import nn

from fastportrait.nets import ZOO
from fastportrait.nets.enet import Bottleneck, Decoder, Down, Encoder, Initial, asymmetric
from fastportrait.nets.weights import About, save, start_from
from zoo import settled


def test_the_strides_and_channels_of_table_1():
    shapes = []
    with torch.device("meta"):
        trunk, decoder = Encoder(), Decoder(12)
        layers = [trunk.initial, trunk.stage1, trunk.stage2, trunk.stage3, decoder.stage4, decoder.stage5]
        for layer in layers:
            layer.register_forward_hook(lambda _, __, out: shapes.append((out.shape[1], out.shape[-1])))
        scores = decoder(*trunk(torch.empty(1, 3, 512, 512)))
    assert shapes == [(16, 256), (64, 128), (128, 64), (128, 64), (64, 128), (16, 256)]
    assert scores.shape == (1, 12, 512, 512)


def test_the_initial_block_norms_filters_and_pooled_image_as_one_norm_of_both_would():
    torch.manual_seed(0)
    block, x = Initial().train(), torch.rand(4, 3, 16, 16)
    together = torch.cat([block.filters[0](x), nn.functional.max_pool2d(x, 2)], dim=1)
    expected = nn.functional.batch_norm(together, None, None, training=True, eps=1e-3)
    torch.testing.assert_close(block(x), block.act(expected))


def test_prelu_in_the_encoder_relu_in_the_decoder():
    def kinds(net):
        return {type(m) for m in net.modules() if isinstance(m, nn.PReLU | nn.ReLU)}

    assert kinds(Encoder()) == {nn.PReLU}
    assert kinds(Decoder(2)) == {nn.ReLU}
    slopes = [m.num_parameters for m in Encoder().modules() if isinstance(m, nn.PReLU)]
    assert set(slopes) == {16, 32, 64, 128}  # one a channel


def test_nothing_lies_between_the_last_norm_and_the_sum():
    last = [type(m) for m in Bottleneck(64).extension][-3:]
    assert last == [nn.Conv2d, nn.BatchNorm2d, nn.Dropout2d]


def test_dropout_is_weak_in_the_first_five_bottlenecks_and_absent_in_the_decoder():
    drops = [m.p for m in Encoder().modules() if isinstance(m, nn.Dropout2d)]
    assert drops == [0.01] * 5 + [0.1] * 17
    assert {m.p for m in Decoder(2).modules() if isinstance(m, nn.Dropout2d)} == {0.0}


def test_an_asymmetric_convolution_is_a_5x5_of_one_rank():
    torch.manual_seed(0)
    first, second = asymmetric(3)
    x = torch.rand(1, 3, 12, 12)
    whole = torch.einsum("omy,mcx->ocyx", second.weight[..., 0], first.weight[:, :, 0])
    expected = nn.functional.conv2d(x, whole, second.bias, padding=2)
    torch.testing.assert_close(second(first(x)), expected)


def test_the_rates_of_a_stage_and_that_the_next_repeats_them():
    def rates(stage):
        return [max(m.dilation[0] for m in b.extension if isinstance(m, nn.Conv2d)) for b in stage]

    trunk = Encoder()
    assert rates(trunk.stage2) == rates(trunk.stage3) == [1, 2, 1, 4, 1, 8, 1, 16]


def test_downsampling_fills_new_channels_with_nothing_but_the_extension():
    torch.manual_seed(0)
    block, x = Down(4, 12).eval(), torch.rand(1, 4, 8, 8)
    with torch.no_grad():
        branch = block.extension(x)
        found, _ = block(x)
    torch.testing.assert_close(
        found[:, 4:], block.act(torch.cat([branch[:, :4] * 0, branch[:, 4:]], 1))[:, 4:]
    )


def test_the_second_stage_starts_from_the_firsts_encoder(tmp_path):
    first, second = settled(ZOO["enet-encoder"]), ZOO["enet"].build().eval()
    save(first, About("enet-encoder", (256, 256)), tmp_path / "enet-encoder.safetensors")
    start_from(second, "enet", tmp_path / "enet-encoder.safetensors")
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(second.trunk(x)[0], first.trunk(x)[0])


def test_the_phones_enet_keeps_one_norm_of_three_channels():
    left = [m.num_features for m in ZOO["enet"].build().deploy().modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == [3]
