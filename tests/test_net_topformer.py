"""TopFormer and SeaFormer: transformers on few tokens."""

import pytest
import torch

from fastportrait.nets import seaformer, topformer
from fastportrait.nets.card import measure


@pytest.mark.parametrize(
    ("variant", "millions"),
    [
        (topformer.TINY, 1.390),
        (topformer.SMALL._replace(groups=192), 2.998),
        (topformer.BASE._replace(groups=256), 4.997),
    ],
)
def test_topformers_counts_are_met_to_three_digits(variant, millions):
    assert round(measure(lambda: topformer.ADE20K(variant), (128, 128)).params / 1e6, 3) == millions


@pytest.mark.parametrize(("variant", "millions"), [(seaformer.TINY, 1.620), (seaformer.SMALL, 3.913)])
def test_seaformers_counts_are_met_to_three_digits(variant, millions):
    assert round(measure(lambda: seaformer.Trunk(variant), (128, 128)).params / 1e6, 3) == millions


@torch.no_grad()
def test_attention_on_equal_tokens_changes_them_equally():
    torch.manual_seed(0)
    attention = topformer.Attention(12, heads=3).eval()
    out = attention(torch.rand(1, 12, 1, 1).expand(1, 12, 4, 5))
    torch.testing.assert_close(out, out[:, :, :1, :1].expand_as(out))


@torch.no_grad()
def test_attention_does_not_know_where_a_token_is():
    torch.manual_seed(0)
    attention = topformer.Attention(12, heads=3).eval()
    x = torch.rand(1, 12, 4, 4)
    torch.testing.assert_close(attention(x.flip(3)), attention(x).flip(3))


@torch.no_grad()
def test_what_the_tokens_find_gates_and_shifts_what_is_here():
    injection = topformer.Injection(4, 6).eval()
    injection.gate[0].weight.zero_()
    injection.gate[1].bias.fill_(-3)  # hard sigmoid: shut
    local, tokens = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 2, 2)
    torch.testing.assert_close(injection(local, tokens), injection(-local, tokens))
    injection.gate[1].bias.fill_(3)  # open
    assert not torch.allclose(injection(local, tokens), injection(-local, tokens))


@torch.no_grad()
def test_squeezed_attention_sees_the_other_end_of_its_row():
    torch.manual_seed(0)
    attention = seaformer.Attention(8, heads=2, key=4).eval()
    x = torch.rand(1, 8, 4, 6)
    other = x.clone()
    other[..., 1, 5] += 1
    changed = (attention(x) - attention(other)).abs().amax(dim=1)[0] > 0
    assert changed[1, 0]  # along its row, farther than the depthwise filter reaches


@torch.no_grad()
def test_positions_stretch_with_the_axis():
    position = seaformer.Position(3, length=16)
    zeros = torch.zeros(1, 3, 16, 1)
    assert torch.equal(position(zeros), position.embedding)
    torch.testing.assert_close(
        position(zeros[:, :, :8])[:, :, 0], position.embedding[:, :, :2].mean(2)
    )  # half as long: pairs


@torch.no_grad()
def test_features_lie_at_their_strides():
    with torch.device("meta"):
        image = torch.empty(1, 3, 128, 192)
        top, sea = topformer.Trunk(topformer.TINY)(image), seaformer.Trunk(seaformer.TINY)(image)
    assert [tuple(x.shape[1:]) for x in top] == [(128, 16, 24), (128, 8, 12), (128, 4, 6)]
    assert [tuple(x.shape[1:]) for x in sea] == [(32, 16, 24), (128, 4, 6), (160, 2, 3)]
