"""Narrower networks out of trained ones: what stays computes what it computed."""

from dataclasses import replace

import pytest
import torch

from fastportrait.nets.card import measure
from fastportrait.nets.inherit import groups, inherit, like_rows, narrowed, scales
from fastportrait.nets.plan import Block, Plan, macs
from fastportrait.nets.topdown import BASE, SMALL, TopDown

TINY = Plan(
    16,
    (
        (Block(0, 16),),
        (Block(24, 16), Block(24, 16)),
        (Block(32, 24), Block(24, 24, full=True)),
        (Block(40, 32), Block(40, 32), Block(48, 24)),
    ),
    (8, 16, 24, 32),
    last=16,
    top=1,
)
SHAPES = {
    "small": SMALL,
    "tiny": TINY,
    "coarser decoder": replace(TINY, widths=(16, 24, 32)),
    "patches": Plan(16, ((), *TINY.stages[2:]), (16, 24), patch=4, head=1, normalised=False),
}


def settled(plan, seed=0):
    """A network whose norms have seen pictures, and whose channels all matter."""
    torch.manual_seed(seed)
    net = TopDown(plan).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.5)
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(2, 3, 64, 64))
    return net.eval()


@pytest.mark.parametrize("plan", SHAPES.values(), ids=SHAPES)
def test_every_width_of_the_network_is_in_a_group_and_no_layer_is_forgotten(plan):
    found = groups(plan)
    shapes = {name: tuple(value.shape) for name, value in TopDown(plan).state_dict().items()}
    for group in found.values():
        assert group.gates
        for name, dim in group.places:
            assert shapes[name][dim] == group.count
    along = {(name, dim) for group in found.values() for name, dim in group.places}
    fixed = {("head.weight", 0), ("head.bias", 0), ("trunk.stages.0.0.0.weight", 1)}
    wide = {(n, d) for n, shape in shapes.items() for d in range(min(2, len(shape))) if shape[d] > 1}
    assert wide - fixed == along


@pytest.mark.parametrize("plan", SHAPES.values(), ids=SHAPES)
def test_channels_that_do_nothing_can_go_without_a_trace(plan):
    net, image = settled(plan), torch.rand(2, 3, 64, 64)
    counts, worth, tensors = {}, {}, net.state_dict()
    for turn, (name, group) in enumerate(groups(plan).items()):
        dead = torch.randperm(group.count, generator=torch.Generator().manual_seed(turn))[: group.count // 4]
        worth[name] = torch.ones(group.count).index_fill(0, dead, 0)
        counts[name] = group.count - len(dead)
        for place, dim in group.places:
            value = tensors[place]
            if dim == 0 and not place.endswith("running_var"):
                value.index_fill_(0, dead, 0)  # convolutions, scales and shifts
            if dim == 1:
                value.index_fill_(1, dead, 0)
    net.load_state_dict(tensors)
    before = net(image)
    assert before.std() > 1e-3
    narrow = narrowed(plan, counts)
    assert like_rows(narrow, plan)
    small, taken = inherit(net, narrow, worth)
    assert set(taken) == set(small.state_dict())
    assert sum(p.numel() for p in small.parameters()) < 0.8 * sum(p.numel() for p in net.parameters())
    assert torch.allclose(small(image), before, atol=1e-6)


def test_the_most_valuable_channels_stay_with_their_weights_and_in_their_order():
    net = settled(TINY)
    worth = scales(net)
    worth["hidden 1.0.0"] = torch.arange(24.0) % 12
    small, _ = inherit(net, narrowed(TINY, {"hidden 1.0.0": 8}), worth)
    kept = [8, 9, 10, 11, 20, 21, 22, 23]
    for name in ("body.0.0.weight", "body.1.0.weight", "body.1.1.running_var"):
        there, here = (n.state_dict()[f"trunk.stages.1.0.{name}"] for n in (net, small))
        assert torch.equal(here, there[kept])
    project = "trunk.stages.1.0.body.2.0.weight"
    assert torch.equal(small.state_dict()[project], net.state_dict()[project][:, kept])


def test_a_shorter_row_keeps_its_first_blocks():
    net = settled(TINY)
    shorter = replace(TINY, stages=(*TINY.stages[:3], (TINY.stages[3][0], TINY.stages[3][2])))
    small, taken = inherit(net, shorter)
    assert set(taken) == set(small.state_dict())
    assert torch.equal(
        small.state_dict()["top.0.1.body.0.0.weight"], net.state_dict()["top.0.2.body.0.0.weight"]
    )


def test_what_has_no_counterpart_is_fresh_and_not_among_what_was_taken():
    net = settled(TINY)
    full = replace(TINY, stages=(TINY.stages[0], (Block(24, 16, full=True), Block(32, 16)), *TINY.stages[2:]))
    _, taken = inherit(net, full)
    fresh = set(TopDown(full).state_dict()) - set(taken)
    assert {name.rsplit(".", 2)[0] for name in fresh if name.endswith("0.weight")} == {
        "trunk.stages.1.0.body.0",  # 3x3 now
        *(f"trunk.stages.1.1.body.{k}" for k in range(3)),  # wider than it was
    }


def test_a_first_convolution_of_stride_4_leaves_the_coarser_stages_what_they_were():
    net = settled(TINY)
    coarse = replace(TINY, patch=4, stages=((), *TINY.stages[2:]), widths=TINY.widths[1:])
    _, taken = inherit(net, coarse)
    fresh = {name for name in set(TopDown(coarse).state_dict()) - set(taken) if name.endswith("0.weight")}
    assert fresh == {
        "trunk.stages.0.0.0.weight",  # 5x5 now
        "trunk.stages.1.0.body.0.0.weight",  # takes the stem's channels now
        "decoder.lateral.0.0.weight",  # as does this
        "decoder.smooth.0.1.0.weight",  # gives what the head sees
    }


def test_colours_can_be_normalised_by_the_first_convolution():
    net, image = settled(SMALL), torch.rand(1, 3, 128, 128)
    raw, taken = inherit(net, replace(SMALL, normalised=False))
    assert set(taken) == set(raw.state_dict())
    difference = (raw.trunk(raw.normalise(image))[0] - net.trunk(net.normalise(image))[0]).abs()
    assert difference[..., 3:-3, 3:-3].max() < 1e-5  # what the padding does not reach


def test_two_rows_of_one_width_are_told_from_one_row():
    assert like_rows(narrowed(SMALL, {"stream 3.0": 48}), SMALL)
    assert not like_rows(narrowed(SMALL, {"stream 3.1": 64}), SMALL)


@pytest.mark.parametrize("plan", [*SHAPES.values(), BASE], ids=[*SHAPES, "base"])
def test_a_plan_counts_what_the_network_does(plan):
    assert macs(plan, (64, 96)) == measure(lambda: TopDown(plan), (64, 96)).macs
    assert Plan.read(plan.write()) == plan


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stem": 10**9}, "stem must be 1 to 2048"),
        ({"stem": True}, "whole number"),
        ({"stages": [[[16, 16]] * 99]}, "blocks of stages"),
        ({"stages": [[[16]]]}, "a block is"),
        ({"stages": [[], []]}, "blocks of stages"),
        ({"stages": "many"}, "list of lists"),
        ({"widths": [16] * 6}, "widths are 1 to"),
        ({"widths": [-8]}, "widths must be"),
        ({"patch": 3}, "patch is 2 or 4"),
        ({"normalised": 1}, "true or false"),
        ({"strem": 16}, "did you mean 'stem'"),
    ],
)
def test_a_plan_that_no_network_can_have_is_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        Plan.read({**TINY.write(), **change})
