"""The phone's max-unpooling, which has no indices, against PyTorch's, which has."""

import pytest
import torch
from torch.nn import functional as F

from fastportrait.nets.unpool import MaxPool, MaxUnpool


def both_ways(x, value):
    """`value` unpooled by the maxima of `x`: PyTorch's answer, training's, the phone's."""
    _, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    torchs = F.max_unpool2d(value, indices, 2, output_size=x.shape[2:])
    pool, unpool = MaxPool(), MaxUnpool()
    trained = unpool(value, pool(x)[1])
    pool, unpool = pool.fuse(), unpool.fuse()
    return torchs, trained, unpool(value, pool(x)[1])


def data(kind, shape):
    torch.manual_seed(0)
    x = torch.randn(shape)
    return {
        "any": x,
        "behind a relu": (x - 1).relu(),  # most windows are all zero
        "few values": (x * 1.5).round(),
        "all negative": -x.abs() - 1,
        "all the same": torch.full(shape, -3.0),
        "both zeros": torch.where(x > 0, 0.0, -0.0),
    }[kind]


@pytest.mark.parametrize(
    "kind", ["any", "behind a relu", "few values", "all negative", "all the same", "both zeros"]
)
@pytest.mark.parametrize("size", [(32, 48), (45, 60), (9, 7), (1, 1)])
def test_the_phones_form_is_exactly_equal(kind, size):
    x = data(kind, (2, 5, *size))
    value = torch.randn(MaxPool()(x)[0].shape)
    torchs, trained, phones = both_ways(x, value)
    assert torch.equal(trained, torchs)
    assert torch.equal(phones, torchs)
    assert torch.equal(MaxPool().fuse()(x)[0], F.max_pool2d(x, 2, ceil_mode=True))


def test_of_equal_values_the_first_in_reading_order_gets_it():
    x = torch.tensor([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 2.0, 1.0]]).view(1, 1, 2, 4)
    value = torch.tensor([5.0, -7.0]).view(1, 1, 1, 2)
    expected = torch.tensor([[5.0, 0.0, 0.0, -7.0], [0.0, 0.0, 0.0, 0.0]]).view(1, 1, 2, 4)
    for found in both_ways(x, value):
        assert torch.equal(found, expected)


def test_a_mark_for_every_equal_value_would_be_wrong():
    """Why the ranks: behind a ReLU the plain comparison differs from PyTorch in many places."""
    x = data("behind a relu", (1, 8, 16, 16))
    value = torch.randn(1, 8, 8, 8)
    plain = (x >= F.interpolate(F.max_pool2d(x, 2), scale_factor=2)) * F.interpolate(value, scale_factor=2)
    assert (plain != both_ways(x, value)[0]).float().mean() > 0.2


def test_the_phones_form_has_neither_indices_nor_scatter():
    class Around(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.unpool = MaxPool().fuse(), MaxUnpool().fuse()

        def forward(self, x):
            pooled, place = self.pool(x)
            return self.unpool(pooled * 2, place)

    program = torch.export.export(Around(), (torch.rand(1, 4, 16, 16),))
    names = {str(node.target) for node in program.graph.nodes}
    assert not [
        name for name in names if any(bad in name for bad in ("scatter", "unpool", "indices", "index"))
    ]
    assert (
        max(node.meta["val"].ndim for node in program.graph.nodes if hasattr(node.meta.get("val"), "ndim"))
        <= 4
    )
