"""Fast Deep Matting: a coarse mask first, then the feathering alone."""

import pytest
import torch
from safetensors.torch import load_file

from fastportrait.nets import ZOO
from fastportrait.nets.fastdeepmatting import Feathering, LightDense
from fastportrait.train import hold_statistics, train
from shards import write_data

RECIPE = """# A test.
network = "{network}"
steps = {steps}
batch = 4
size = [32, 32]
score_size = [32, 32]
lr = 1e-2
warmup = 0
ema = 0.5
validate_every = {steps}
sources = {{ studio = 1, web = 1 }}
"""


def test_the_two_halves_have_the_published_sizes():
    assert sum(p.numel() for p in LightDense().parameters()) == 24_622
    assert sum(p.numel() for p in Feathering().parameters()) == 1_035


def test_the_layers_look_further_and_further():
    net = LightDense()
    x = torch.rand(1, 3, 128, 128, requires_grad=True)
    net(x)[0, :, 64, 64].sum().backward()
    seen = x.grad[0].abs().sum(0).nonzero()
    # Doubling mixes places 31 and 32 of stride 2; the dilations 2, 4, 6, 8 and the scores' filter reach 21
    # further to each side, and the stem sees one pixel more than its two.
    assert seen.min(0).values.tolist() == [2 * (31 - 21) - 1] * 2
    assert seen.max(0).values.tolist() == [2 * (32 + 21) + 1] * 2


def feathering(a, b, c):
    block = Feathering().eval()
    torch.nn.init.zeros_(block.coefficients.weight)
    with torch.no_grad():
        block.coefficients.bias.copy_(torch.tensor([a, b, c]))
    return block


def test_alpha_is_linear_in_the_coarse_mask():
    """With the same coefficients everywhere: a F + b B + c."""
    image, foreground = torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8)
    logit = feathering(4.0, -3.0, 0.5)(image, foreground, 1 - foreground)
    torch.testing.assert_close(logit, 4 * foreground - 3 * (1 - foreground) + 0.5)


def test_the_feathering_follows_the_image_where_the_coarse_mask_is_flat():
    torch.manual_seed(0)
    image = torch.zeros(1, 3, 16, 16)
    image[..., 8:] = 1
    flat = torch.full((1, 1, 16, 16), 0.5)
    logit = Feathering().eval()(image, flat, flat)[0, 0, 4:12]
    assert torch.allclose(logit[:, 4], logit[:, 5])
    assert (logit[:, 4] - logit[:, 11]).abs().min() > 1e-3


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
def test_the_second_stage_starts_from_the_first_and_leaves_it_as_it_is(tmp_path):
    data = write_data(tmp_path / "data")
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(RECIPE.format(network="fastdeepmatting-coarse", steps=2))
    more = 'init = "coarse/fastdeepmatting-coarse.safetensors"\ntrunk_lr = 0\n'
    more += "losses = { charbonnier = 1, composition = 1 }\n"
    second.write_text(more + RECIPE.format(network="fastdeepmatting", steps=4))
    coarse, fine = (
        load_file(train(recipe, data, tmp_path / out, accelerator="cpu", progress=False))
        for recipe, out in ((first, "coarse"), (second, "fine"))
    )
    assert all(torch.equal(value, fine[name]) for name, value in coarse.items())
    torch.manual_seed(0)  # the recipe's seed
    fresh = ZOO["fastdeepmatting"].build().state_dict()
    assert not torch.equal(fine["feathering.coefficients.bias"], fresh["feathering.coefficients.bias"])
    assert fine["feathering.filter.1.num_batches_tracked"] > 0


def test_frozen_layers_keep_their_statistics():
    net = ZOO["small"].build().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    hold_statistics(net, {name for name in before if name.startswith("trunk.")})
    with torch.no_grad():
        net(torch.rand(2, 3, 64, 64))
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("decoder.") for name in moved)
    assert not any(name.startswith("trunk.") for name in moved)
