"""Several models on one page, and the drawings of the documents."""

import json
import re
import runpy
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait import contenders, results
from fastportrait.cli import main
from fastportrait.data.shards import Sample
from fastportrait.evaluate import evaluate
from fastportrait.report import compare, hard, headline_words
from fastportrait.report.plots import Point, Series, distribution, document, dots, front, scatter
from shards import write_data

ROOT = Path(__file__).parents[1]
PLOTS = runpy.run_path(str(ROOT / "scripts" / "plots.py"))


def bright(rgb):
    return (rgb[:, :, 0] > 150).astype(np.float32)


def half(rgb):
    alpha = bright(rgb)
    alpha[:, alpha.shape[1] // 2 :] = 0
    return alpha


def measured(name, segment, count=4):
    """Pictures of a bright bar, a hard one last, as a result that keeps its schema."""
    samples = []
    for i in range(count):
        alpha = np.zeros((40, 40), np.uint8)
        alpha[10:40, 10 + 2 * (i % 4) : 30] = 255
        samples.append(
            Sample(f"key{i}", np.repeat(alpha[..., None], 3, axis=2), alpha, {"source": f"s{i % 2}"})
        )
    return {
        "schema": "accuracy/1", "date": "2025-01-31", "commit": "c" * 40,
        "model": {"name": name, "file": name, "sha256": "f" * 64, "network": "n", "input": "256x256"},
        "data": {"split": "val", "pictures": count, "whole": True, "shards": {}},
        "machine": {"device": "cpu", "cpu": "a CPU", "threads": 1, "runtime": "r"},
    } | evaluate(name, segment, samples)  # fmt: skip


def test_a_comparison_says_who_is_better_and_keeps_its_schema(tmp_path):
    comparison = compare([measured("bright", bright, 20), measured("half", half, 20)])
    results.write(comparison, tmp_path / "c.json")
    assert results.read(tmp_path / "c.json") == comparison
    words = headline_words(comparison)
    assert words[0] == "person IoU %: bright is better than half (in 100.0 % of the resamples)"
    assert words[-1].startswith("MAD x1000: bright is better than half")


def test_other_pictures_cannot_be_compared():
    with pytest.raises(ValueError, match="bright and half were not measured on the same pictures"):
        compare([measured("bright", bright), measured("half", half, 3)])


def test_the_hardest_pictures_are_those_worst_for_all_then_those_where_models_part():
    one, two = measured("a", bright), measured("b", bright)
    for result, values in ((one, (0.1, 0.9, 0.8, 0.9)), (two, (0.1, 0.9, 0.7, 0.2))):
        for row, value in zip(result["pictures"], values, strict=True):
            row["iou"] = value
    assert hard([one, two], 2) == {
        "Worst for all together": ["key0"],
        "Where the models differ most": ["key3"],
    }
    assert hard([one], 2) == {"Worst": ["key0", "key2"]}


@pytest.fixture
def page(green_model, tmp_path):
    data, report = write_data(tmp_path / "data"), tmp_path / "report.html"
    words = ["evaluate", "small", str(green_model), "--data", str(data), "--report", str(report)]
    done = CliRunner().invoke(main, [*words, "--worst", "2", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert "person IoU %: small " in done.stdout
    return report


def test_the_page_holds_all_it_shows_in_light_and_dark(page):
    text = page.read_text()
    assert not re.search(r"<script|<link|@import|url\(", text)
    addresses = set(re.findall(r'(?:https?:)?//[^"\s<]+', re.sub(r"base64,[^\"]+", "", text)))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "prefers-color-scheme: dark" in text
    assert text.count("data:image/jpeg;base64,") == 2 * 3  # two pictures: photo, and each model's errors
    for plot in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(plot)
    assert len(re.findall("<svg", text)) >= 4


def test_the_numbers_of_the_page_lie_beside_it(page):
    comparison = results.read(page.with_suffix(".json"))
    assert [r["model"]["name"] for r in comparison["results"]] == ["small", "green"]
    assert list(comparison["differences"]) == ["small - green"]
    assert comparison["results"][0]["groups"]["source"][0].keys() >= {"iou", "iou_low", "iou_high"}


def test_one_model_alone_has_a_page_too_and_motion_one_without_pictures(green_model, tmp_path):
    data, report = write_data(tmp_path / "data"), tmp_path / "motion.html"
    words = ["evaluate", str(green_model), "--data", str(data), "--frames", "2", "--report", str(report)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "dtSSD x100" in done.stdout
    assert "flicker x1000" in report.read_text()
    result = json.loads(report.with_suffix(".json").read_text())["results"][0]
    assert result["data"]["split"] == "val-motion"
    assert list(result["data"]["shards"]) == ["val-000.tar", "background-000.tar"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["small", "x.onnx", "--out", "o.json"],
            "--out and --page are for one model; for several give --rep",
        ),
        (["small", "small"], "small: named twice"),
        (["small", "--report", "r.json"], "--report r.json: it is a page, call it r.html"),
        (["unet-64"], "unet-64 is a network of the zoo, and has no weights here: train it by its recipe"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(words, message, tmp_path):
    done = CliRunner().invoke(main, ["evaluate", *words, "--data", str(write_data(tmp_path / "d"))])
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_network_of_the_zoo_is_found_by_its_name_in_a_checkout(tmp_path, monkeypatch):
    from fastportrait.nets.enet import CARDS
    from fastportrait.nets.weights import About, save

    (tmp_path / "weights").mkdir()
    save(CARDS[0].build(), About("enet", (64, 64)), tmp_path / "weights" / "enet.safetensors")
    monkeypatch.setattr(contenders, "CHECKOUT", tmp_path)
    found = contenders.load("enet", threads=1)
    assert (found.about["name"], found.about["network"], found.about["input"]) == ("enet", "enet", "64x64")
    assert found.segment(np.zeros((70, 50, 3), np.uint8)).shape == (70, 50)


def test_the_front_leaves_out_what_something_cheaper_beats():
    points = [
        Point("cheap", 1, (80, 79, 81), False), Point("worse", 2, (79, 78, 80), False),
        Point("dear", 3, (90, 89, 91), True), Point("same cost", 1, (70, 69, 71), False),
    ]  # fmt: skip
    assert [point.name for point in front(points)] == ["cheap", "dear"]
    text = document(scatter("a < b", "ms", points))
    assert len(ET.fromstring(text).findall(".//{http://www.w3.org/2000/svg}g")) == 4
    assert "a &lt; b" in text


def test_plots_of_a_single_value_and_of_nothing_but_ones_can_be_drawn():
    ET.fromstring(dots("t", ["a"], [Series("a", "#000", {"a": (0.0, 0.0, 0.0)})]))
    ET.fromstring(distribution("t", {"a": [100.0] * 3}, ["#000"]))
    ET.fromstring(scatter("t", "ms", [Point("a", 5.0, (1.0, 1.0, 1.0), False)]))


@pytest.mark.parametrize("path", PLOTS["drawings"](ROOT), ids=lambda path: path.name)
def test_a_drawing_of_the_documents_is_what_the_results_say(path):
    assert path.read_text() == PLOTS["drawings"](ROOT)[path], "run python scripts/plots.py"
    page = "leaderboard.md" if path.name.startswith("board-") else "models.md"
    assert f"]({path.name})" in (ROOT / "docs" / page).read_text()
