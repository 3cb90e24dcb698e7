"""MobileNets: the table's sizes, and where its work is."""

import torch
from torch import nn

from fastportrait.nets.card import measure
from fastportrait.nets.mobilenetv1 import MobileNetV1, Trunk


def test_the_trunk_gives_one_map_a_stride_and_the_last_block_keeps_its_size():
    features = Trunk(width=0.25)(torch.rand(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (16, 32, 48), (32, 16, 24), (64, 8, 12), (128, 4, 6), (256, 2, 3)
    ]  # fmt: skip


def test_three_quarters_of_the_weights_are_pointwise_as_in_table_2():
    with torch.device("meta"):
        net = MobileNetV1()
    weights = {"pointwise": 0, "depthwise": 0, "first": 0, "classifier": net.classifier.weight.numel()}
    for conv in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
        kind = "first" if conv.in_channels == 3 else "pointwise" if conv.groups == 1 else "depthwise"
        weights[kind] += conv.weight.numel()
    share = {kind: round(100 * n / sum(weights.values()), 2) for kind, n in weights.items()}
    assert share == {"pointwise": 74.59, "depthwise": 1.06, "first": 0.02, "classifier": 24.33}


def test_the_two_dials_cost_about_their_squares():
    whole = measure(MobileNetV1, (224, 224))
    assert 0.25 < measure(lambda: MobileNetV1(width=0.5), (224, 224)).macs / whole.macs < 0.27
    assert 0.32 < measure(MobileNetV1, (128, 128)).macs / whole.macs < 0.33  # (128 / 224)^2 = 0.327
