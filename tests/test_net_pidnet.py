"""PIDNet: which branch is believed where."""

import torch

from fastportrait.nets import ZOO
from fastportrait.nets.card import measure
from fastportrait.nets.pidnet import Cityscapes, LightBag, Pag, Pappm


def test_the_count_that_is_known_to_three_digits_is_met():
    assert round(measure(Cityscapes, (256, 256)).params / 1e6, 3) == 7.626


@torch.no_grad()
def test_detail_wins_on_an_edge_and_context_elsewhere():
    bag = LightBag(4).eval()
    for branch in (bag.detail, bag.context):
        branch[0].weight.copy_(torch.eye(4)[..., None, None])
    detail, context = torch.full((1, 4, 2, 2), 3.0), torch.full((1, 4, 2, 2), 5.0)
    edge = torch.full((1, 4, 2, 2), 100.0)
    torch.testing.assert_close(bag(detail, context, edge), 2 * detail + context, rtol=1e-4, atol=0)
    torch.testing.assert_close(bag(detail, context, -edge), detail + 2 * context, rtol=1e-4, atol=0)


@torch.no_grad()
def test_context_replaces_detail_where_the_two_agree():
    pag = Pag(4).eval()
    for branch in (pag.detail, pag.context):
        branch[0].weight.copy_(torch.eye(4)[:2, :, None, None])
    detail, context = torch.full((1, 4, 4, 4), 20.0), torch.full((1, 4, 2, 2), 10.0)
    torch.testing.assert_close(pag(detail, context), torch.full((1, 4, 4, 4), 10.0))
    torch.testing.assert_close(pag(detail, -context), detail)


@torch.no_grad()
def test_the_pyramid_takes_a_map_of_one_pixel():
    assert Pappm(16, 8, 12).eval()(torch.rand(1, 16, 1, 1)).shape == (1, 12, 1, 1)


@torch.no_grad()
def test_helpers_are_at_an_eighth():
    outputs = ZOO["pidnet"].build().eval().outputs(torch.rand(1, 3, 64, 128))
    sizes = {name: tuple(out.shape[1:]) for name, out in outputs.items()}
    assert sizes == {"mask": (1, 64, 128), "mask_detail": (1, 8, 16), "edge_boundary": (1, 8, 16)}
