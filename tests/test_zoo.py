"""Every network of the zoo keeps the same promises."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

from fastportrait.bench.overfit import overfit
from fastportrait.export import write
from fastportrait.export.pictures import Pictures, figures
from fastportrait.nets import MODULES, ZOO
from fastportrait.nets.card import describe, paper
from fastportrait.nets.network import check_size
from zoo import settled

ROOT = Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "zoo.py"))
FILE = json.loads((ROOT / "src/fastportrait/weights/zoo.json").read_text())

every_network = pytest.mark.parametrize("card", ZOO.values(), ids=ZOO)
every_module = pytest.mark.parametrize("module", MODULES, ids=[m.__name__.split(".")[-1] for m in MODULES])
published = [(row, module) for module in MODULES for row in module.PUBLISHED]
drawn = [module for module in MODULES if module.CARDS]

# What stands before its convolution, or behind a concatenation, has no convolution to become part of.
NORMS_REMAIN = {
    *("condensenet", "denseaspp", "denseaspp-mobilenetv2", "denseaspp-phone"),
    *("erfnet", "erfnet-half", "erfnet-encoder", "enet", "enet-encoder"),
    *("espnet", "espnet-q3", "espnet-encoder", "extremec3net", "extremec3net-encoder"),
    *("sinet", "sinet-encoder", "bisenetv2", "pidnet"),
}
PARITY_BY_DEFAULT = ("small", "enet", "shufflenetv2")


def home(card):
    return sys.modules[getattr(card.build, "func", card.build).__module__]


@every_network
def test_the_counts_in_docstring_and_zoo_file_are_measured(card):
    line = f"{card.name}: {describe(card)}"
    text = home(card).__doc__
    assert describe(card) in text, f"the docstring should say {line}"
    (row,) = [row for row in FILE["networks"] if row["name"] == card.name]
    assert row == SCRIPT["network"](card, home(card)), "run python scripts/zoo.py"


@every_module
def test_docstring_names_the_paper(module):
    assert "Papers:" in module.__doc__ or paper(module.__doc__), f"{module.__name__}: no line 'Paper: ...'"


@pytest.mark.parametrize(("row", "module"), published, ids=[row.name for row, _ in published])
def test_published_counts(row, module):
    measured = SCRIPT["published"](row, module)
    assert measured in FILE["published"], "run python scripts/zoo.py"
    if row.params is not None:
        assert measured["params"] == row.params
    if row.macs is not None:
        assert measured["macs"] == pytest.approx(row.macs, rel=row.tolerance)


def test_the_zoo_file_has_the_networks_in_their_order():
    assert [row["name"] for row in FILE["networks"]] == list(ZOO)
    assert [row["name"] for row in FILE["published"]] == [row.name for row, _ in published]


@pytest.mark.parametrize("module", drawn, ids=[m.__name__.split(".")[-1] for m in drawn])
def test_a_network_has_a_page_with_its_picture_and_its_counts(module):
    name = module.__name__.split(".")[-1]
    page = (ROOT / "docs" / "zoo" / f"{name}.md").read_text()
    assert f"]({name}.svg)" in page
    assert f"<!-- table:zoo-{name} -->" in page
    assert (ROOT / "docs" / "zoo" / f"{name}.svg").read_text() == SCRIPT["drawing"](module), (
        "run python scripts/zoo.py"
    )


@every_network
def test_mask_has_the_size_of_the_image(card):
    with torch.device("meta"):
        assert card.build().eval()(torch.rand(1, 3, *card.size)).shape == (1, 1, *card.size)


@every_network
def test_every_parameter_gets_a_gradient(card):
    torch.manual_seed(0)
    net = card.build().train()
    outputs = net.outputs(torch.rand(2, 3, *card.smallest)).values()
    sum(out.square().mean() for out in outputs).backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name
        assert p.grad.abs().sum() > 0, name


@every_network
def test_deployed_network_gives_the_same_mask(card):
    net = settled(card)
    image = torch.rand(1, 3, *card.smallest)
    with torch.no_grad():
        deployed = net.deploy()
        torch.testing.assert_close(deployed(image), net(image), rtol=1e-4, atol=1e-4)
    norms = any(isinstance(m, torch.nn.BatchNorm2d) for m in deployed.modules())
    assert norms == (card.name in NORMS_REMAIN)
    assert not deployed.helpers


@every_network
def test_a_size_it_cannot_take_is_refused_with_one_that_fits(card):
    with torch.device("meta"):
        net = card.build()
    step = net.multiple
    wrong = 8 * step + 1, 9 * step - 1
    with pytest.raises(ValueError, match="needs multiples of") as error:
        check_size(net, wrong)
    fit = [int(side) for side in re.findall(r"use (\d+) x (\d+)", str(error.value))[0]]
    assert max(abs(a - b) for a, b in zip(fit, wrong, strict=True)) == 1
    check_size(net, fit)
    check_size(net, card.size)
    check_size(net, card.smallest)


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(card, marks=() if card.name in PARITY_BY_DEFAULT else pytest.mark.slow)
        for card in ZOO.values()
    ],
    ids=ZOO,
)
def test_onnx_gives_the_same_mask(card, tmp_path):
    net, size = settled(card), card.smallest
    pictures = Pictures("2 drawn figures", figures(2, size))
    assert write(net, size, {}, "net", tmp_path, to="onnx", pictures=pictures).parity.max_alpha < 1e-4


@pytest.mark.slow
@pytest.mark.by_heart
@every_network
def test_learns_eight_portraits_by_heart(card):
    assert overfit(card).iou > 0.95


def test_every_network_has_learnt_eight_portraits_by_heart():
    rows = json.loads((ROOT / "results/overfit.json").read_text())["rows"]
    assert [row["name"] for row in rows] == list(ZOO), "run python scripts/measure_overfit.py"
    assert all(row["iou"] > 0.95 for row in rows)
