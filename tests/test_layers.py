"""What `fastportrait models` says of the zoo, and the pictures in the documents, are what the code says."""

import json
import xml.etree.ElementTree as ET
from functools import partial

from click.testing import CliRunner
from torch import nn

from fastportrait.cli import main
from fastportrait.nets import ZOO
from fastportrait.nets.card import measure
from fastportrait.nets.draw import silhouette
from fastportrait.nets.layers import layers, table


def tiny():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Sequential(nn.ReLU(), nn.Conv2d(8, 4, 1))
    )


def test_layers_run_in_order_with_their_shapes_and_costs():
    found = layers(tiny, (8, 8))
    assert [(layer.name, layer.depth) for layer in found] == [
        ("", 0),
        ("0", 1),
        ("1", 1),
        ("1.0", 2),
        ("1.1", 2),
    ]
    assert [layer.shape for layer in found] == [(4, 4, 4), (8, 4, 4), (4, 4, 4), (8, 4, 4), (4, 4, 4)]
    first, second = 16 * 8 * 27, 16 * 32
    assert [layer.macs for layer in found] == [first + second, first, second, 0, second]
    assert found[0].params == 8 * 27 + 8 + 36
    assert [row[:2] for row in table(found, 2)] == [
        ("(all)", "Sequential"),
        ("0", "Conv2d 3x3 /2"),
        ("1", "Sequential"),
        ("  0", "ReLU"),
        ("  1", "Conv2d 1x1"),
    ]


def test_the_parts_of_a_network_add_up_to_it():
    card = ZOO["small"]
    found = layers(card.build, card.size)
    assert found[0].macs == measure(card.build, card.size).macs
    assert sum(layer.macs for layer in found if layer.leaf) == found[0].macs


def test_a_silhouette_has_a_bar_for_every_convolution():
    drawn = ET.fromstring(silhouette("a < b", layers(tiny, (8, 8)), 8))
    bars = [rect for rect in drawn if rect.tag.endswith("rect") and len(rect)]
    assert len(bars) == 2
    assert bars[0][0].text == f"0: Conv2d 3x3 /2, 8 channels, {16 * 8 * 27 / 1e6:.2f} M MACs"
    assert float(bars[0].get("width")) > float(bars[1].get("width"))


def test_models_lists_the_zoo_trained_or_not():
    run = partial(CliRunner().invoke, main)
    networks = json.loads(run(["models", "--json"]).output)
    assert [n["name"] for n in networks] == list(ZOO)
    assert all({"name", "paper", "params", "macs", "size", "year", "shipped"} <= n.keys() for n in networks)
    assert all(len(n["size"]) == 2 and n["params"] > 0 and n["macs"] > 0 for n in networks)
    lines = run(["models"]).output.splitlines()
    assert lines[0].split()[:3] == ["name", "paper", "year"]
    assert any(line.startswith("small") and "shipped as small" in line for line in lines)


def test_models_shows_the_layers_of_one_network():
    result = CliRunner().invoke(main, ["models", "small", "--depth", "1"])
    assert result.exit_code == 0, result.output
    assert "head     Conv2d 3x3  4 x 128 x 128" in result.output
    assert "450,476" in result.output
    wrong = CliRunner().invoke(main, ["models", "smal"])
    assert wrong.exit_code == 1
    assert "did you mean 'small'?" in wrong.output
