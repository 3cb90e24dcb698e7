"""SkipNet: gates decide, blocks run or not, and rewards teach the gates."""

import pytest
import torch
from torch import nn

from fastportrait.export import write
from fastportrait.export.pictures import Pictures, figures
from fastportrait.losses import policy
from fastportrait.nets import ZOO
from fastportrait.nets.blocks import ConvBNAct
from fastportrait.nets.card import Macs
from fastportrait.nets.skipnet import cifar
from fastportrait.nets.skipnet_gates import (
    Cell,
    FeedForwardI,
    FeedForwardII,
    Recurrent,
    log_probability,
    relaxed,
    sampled,
)
from fastportrait.nets.skipnet_trunk import Trunk, basic, computation, stack, widths
from fastportrait.nets.weights import About, save, start_from
from zoo import settled

every_gate = pytest.mark.parametrize("gates", [FeedForwardI, FeedForwardII, Recurrent])


def scores(gates):
    return [gates.score] if isinstance(gates, Recurrent) else list(gates.scores)


@torch.no_grad()
def force(gates, logit):
    """Every gate says `logit`, whatever it sees."""
    for score in scores(gates):
        score.weight.zero_()
        score.bias.zero_()
        score.bias[-1] = logit


@torch.no_grad()
def unsure(name="skipnet"):
    """A network in evaluation mode whose gates, at random, like to execute and to skip about equally."""
    net = settled(ZOO[name])
    for score in scores(net.trunk.gates):
        score.weight.normal_(std=20)
        score.bias.zero_()
    return net


def small_trunk(gates):
    torch.manual_seed(0)
    net = cifar(2, gates).train()
    with torch.no_grad():
        net(torch.rand(4, 3, 16, 16))
    return net.trunk.eval(), torch.rand(3, 3, 16, 16)


def macs(run, image):
    with Macs() as macs, torch.no_grad():
        run(image)
    return macs.total


@every_gate
def test_with_all_gates_open_it_is_the_plain_resnet_bit_for_bit(gates):
    trunk, image = small_trunk(gates)
    force(trunk.gates, 1.0)
    assert torch.equal(trunk(image), nn.Sequential(trunk.stem, *trunk.blocks)(image))


@every_gate
def test_with_all_gates_shut_the_first_block_and_the_downsamples_are_left(gates):
    trunk, image = small_trunk(gates)
    force(trunk.gates, -1.0)
    x = trunk.blocks[0](trunk.stem(image))
    for block in list(trunk.blocks)[1:]:
        x = block.shortcut(x)
    assert torch.equal(trunk(image), x)
    assert sum(isinstance(block.shortcut, ConvBNAct) for block in trunk.blocks) == 2


def test_a_relaxed_decision_is_hard_and_its_gradient_soft():
    logit = torch.tensor([-3.0, -0.1, 0.1, 3.0], requires_grad=True)
    decision = relaxed(logit)
    assert decision.tolist() == [0, 0, 1, 1]
    decision.sum().backward()
    chance = logit.detach().sigmoid()
    torch.testing.assert_close(logit.grad, chance * (1 - chance))


def test_decisions_are_drawn_with_the_gates_probability():
    torch.manual_seed(0)
    logit = torch.full((20000, 1), 1.0)
    decision = sampled(logit)
    assert set(decision.unique().tolist()) == {0, 1}
    assert decision.mean().item() == pytest.approx(0.731, abs=0.01)
    both = (
        log_probability(logit[:1], torch.ones(1, 1)).exp(),
        log_probability(logit[:1], torch.zeros(1, 1)).exp(),
    )
    assert both[0].item() == pytest.approx(0.731, abs=1e-3)
    assert sum(both).item() == pytest.approx(1)


def test_the_gates_cell_is_an_lstms():
    torch.manual_seed(0)
    ours, theirs = Cell(10), nn.LSTMCell(10, 10)
    ours.see.load_state_dict({"weight": theirs.weight_ih, "bias": theirs.bias_ih})
    ours.recall.load_state_dict({"weight": theirs.weight_hh, "bias": theirs.bias_hh})
    x, hidden, cell = torch.randn(3, 4, 10)
    torch.testing.assert_close(ours(x, hidden, cell), theirs(x, (hidden, cell)))


@pytest.mark.parametrize("name", ["skipnet", "skipnet-ff"])
def test_every_image_goes_its_own_way(name):
    net = unsure(name)
    images = torch.rand(4, 3, 64, 64) * torch.tensor([0.1, 0.4, 0.7, 1.0]).view(4, 1, 1, 1)
    with torch.no_grad():
        usage = net.usage(images)
        assert usage.shape == (4, 17)
        assert set(usage.unique().tolist()) == {0, 1}
        assert torch.equal(usage, torch.cat([net.usage(image[None]) for image in images]))


def test_the_block_that_always_runs_counts_in_the_share_of_computation():
    executed = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0]])
    assert computation(executed).tolist() == [0.25, 1, 0.5]


@pytest.mark.parametrize("name", ["skipnet", "skipnet-ff"])
def test_what_one_image_skips_is_not_computed(name):
    net = unsure(name)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        usage = net.usage(image)
        assert 0 < usage.sum() < 17
        whole, own = net.static(torch.ones(17), 0.5), net.static(usage, 0.5)
        torch.testing.assert_close(net.skip(image), net(image))
        torch.testing.assert_close(own(image), net(image))
    gates = macs(net, image) - macs(whole, image)
    assert macs(net.skip, image) == macs(own, image) + gates
    assert macs(net.skip, image) < macs(net, image)
    with pytest.raises(ValueError, match="one image at a time can skip, not 2"):
        net.skip(image.expand(2, -1, -1, -1))


def test_a_static_network_has_lost_the_blocks_that_few_images_ran():
    net = settled(ZOO["skipnet"])
    usage = torch.zeros(10, 17)
    usage[:3, :5] = 1  # blocks 1 to 5 ran for three of ten images, 6 to 17 for none
    static = net.static(usage, least=0.3)
    kept = [m for m in static.trunk if hasattr(m, "body")]
    assert len(kept) == 1 + 5
    assert not any(part in name for name, _ in static.named_parameters() for part in ("gates", "score.w1"))
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(static.deploy()(image), static(image), rtol=1e-4, atol=1e-4)
        net.trunk.blocks[0].body[0][0].weight.zero_()  # the copy is its own
        assert not torch.equal(net(image), static(image))


@pytest.mark.slow
def test_a_static_network_exports(tmp_path):
    net = unsure()
    pictures = figures(2, (64, 64))
    with torch.no_grad():
        static = net.static(net.usage(torch.from_numpy(pictures[0])), 0.5)
    written = write(static, (64, 64), {}, "static", tmp_path, pictures=Pictures("drawn", pictures))
    assert written.parity.max_alpha < 1e-4


def test_the_stage_with_rewards_starts_from_all_of_the_stage_before(tmp_path):
    before, after = settled(ZOO["skipnet-sp"]), ZOO["skipnet"].build().eval()
    save(before, About("skipnet-sp", (256, 256)), tmp_path / "w.safetensors")
    assert len(start_from(after, "skipnet", tmp_path / "w.safetensors")) == len(before.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(after(image), before(image))


def test_rewards_empty_the_way_but_for_the_block_that_is_needed():
    """Skipping any block is rewarded; skipping the second gated one costs more than all rewards together."""
    torch.manual_seed(0)
    groups = ((8, 4, 1),)
    trunk = Trunk(ConvBNAct(3, 8), stack(basic, 8, groups), Recurrent(widths(groups)[:-1]), sampled).train()
    optimiser = torch.optim.Adam(trunk.gates.parameters(), lr=0.05)
    images = torch.rand(32, 3, 4, 4)
    for _ in range(120):
        _, logits, executed = trunk.route(images)
        task = 2 * (1 - executed[:, 1])
        decisions = torch.stack([log_probability(logits, executed), (1 - executed) / 3], dim=1)
        optimiser.zero_grad()
        policy(decisions, task).backward()
        optimiser.step()
    with torch.no_grad():
        _, logits, executed = trunk.eval().route(images)
    assert executed.mean(0).tolist() == [0, 1, 0]
    chances = logits.sigmoid().mean(0)
    assert chances[1] > 0.9
    assert chances[[0, 2]].max() < 0.2
