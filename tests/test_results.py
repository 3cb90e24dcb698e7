"""Result files: complete, checked, written whole, and the tables made from them up to date."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fastportrait import results

ROOT = Path(__file__).parents[1]
COMMITTED = sorted((ROOT / "results").rglob("*.json"))


@pytest.fixture
def result():
    score = {"value": 0.9, "low": 0.8, "high": 1.0}
    return {
        "schema": "accuracy/1",
        "date": "2025-01-31",
        "commit": "0" * 40,
        "model": {
            "name": "small",
            "file": "small.onnx",
            "sha256": "f" * 64,
            "network": "net",
            "input": "256x256",
        },
        "data": {"split": "val", "pictures": 2, "whole": True, "shards": {"val-000.tar": "a" * 64}},
        "machine": {"device": "cpu", "cpu": "a CPU", "threads": 1, "runtime": "onnxruntime 1.22.0"},
        "protocol": "mask",
        "metrics": {"iou": "IoU of the person", "iou_p5": "5th percentile"},
        "scores": {"iou": score, "iou_p5": score},
        "groups": {"source": [{"name": "web", "pictures": 2, "iou": 0.9}]},
        "pictures": [{"key": "a", "iou": 0.85}, {"key": "b", "iou": 0.95}],
    }


def test_a_written_result_reads_back_the_same(result, tmp_path):
    path = tmp_path / "new" / "small-val.json"
    results.write(result, path)
    assert results.read(path) == result
    assert [p.name for p in path.parent.iterdir()] == ["small-val.json"]  # no temporary file left
    assert '    {"key": "b", "iou": 0.95}\n' in path.read_text()  # one picture a line


def change(result, where, value):
    changed = copy.deepcopy(result)
    *path, last = where
    inner = changed
    for step in path:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return changed


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (["commit"], None, "^commit is missing"),
        (["model", "sha256"], None, "^model.sha256 is missing"),
        (["model", "sha"], "f", "^model: unknown field 'sha', did you mean 'sha256'"),
        (["machine", "threads"], "1", "^machine.threads must be int, is '1'"),
        (["data", "whole"], 1, "^data.whole must be bool, is 1"),
        (["pictures", 1, "iou"], True, r"^pictures\[1\].iou must be float, is True"),
        (["pictures", 1], {"iou": 0.95}, r"^pictures\[1\].key is missing"),
        (["data", "pictures"], 3, "2 rows, data.pictures says 3"),
        (["scores", "iou", "value"], 0.91, "scores.iou.value is 0.91, the mean of its pictures is 0.9"),
        (["metrics", "iou"], None, "scores.iou: metrics does not say what it is"),
        (["schema"], "accuracy/0", "schema is 'accuracy/0', known are accuracy/1"),
        (["groups", "source"], [], "groups.source must be a list with something in it"),
    ],
)
def test_a_wrong_result_is_refused_and_the_place_named(result, where, value, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        results.write(change(result, where, value), tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def test_a_result_with_not_a_number_leaves_no_file(result, tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.write(change(result, ["scores", "iou_p5", "low"], float("nan")), tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_result_is_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"x\.json: not a JSON object"):
        results.read(path)


def test_the_commit_is_that_of_this_checkout_or_unknown():
    assert results.commit() == "unknown" or len(results.commit().removesuffix("-dirty")) == 40


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_committed_result_is_complete(path):
    result = results.read(path)
    assert path.read_text() == results.text(result)
    if result["schema"].startswith("accuracy/"):
        moved = result["protocol"] == "motion"  # each still is many frames: the page says how many were taken
        assert result["data"]["whole"] or moved, "only a part of its pictures was measured"
        assert len({row["key"] for row in result["pictures"]}) == len(result["pictures"])
        assert path.stem == f"{result['model']['name']}-{result['data']['split']}"


def tables(*words):
    return subprocess.run(
        [sys.executable, ROOT / "scripts/tables.py", *words], capture_output=True, text=True
    )


def test_the_tables_in_the_documents_are_those_of_the_results():
    done = tables("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_table_is_made_between_its_markers_and_checked(result, tmp_path):
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- table:accuracy -->\nold\n<!-- /table -->\nafter\n")
    result["data"]["split"] = "test"
    results.write(result, tmp_path / "results" / "accuracy" / "small-test.json")
    bench = Path("results") / "latency" / "peers.json"  # its last column
    results.write(results.read(ROOT / bench), tmp_path / bench)
    assert tables("--check", "--root", tmp_path, document).returncode == 1
    assert tables("--root", tmp_path, document).returncode == 0
    text = document.read_text()
    assert text.startswith("before\n<!-- table:accuracy -->\n| model |")
    assert text.endswith("<!-- /table -->\nafter\n")
    assert "\n| small | 90.00 |  |" in text
    assert tables("--check", "--root", tmp_path, document).returncode == 0


def test_a_misspelt_table_is_named_and_corrected(tmp_path):
    document = tmp_path / "page.md"
    document.write_text("<!-- table:acuracy-val -->\n<!-- /table -->\n")
    done = tables("--root", tmp_path, document)
    assert done.returncode == 1
    assert "page.md: no table 'acuracy-val', did you mean 'accuracy-val'?" in done.stderr


def test_a_table_without_its_end_is_an_error(tmp_path):
    document = tmp_path / "page.md"
    document.write_text("<!-- table:accuracy-val -->\n| a |\n")
    done = tables("--root", tmp_path, document)
    assert done.returncode == 1
    assert "page.md: 1 table begins, 0 end" in done.stderr


def test_json_with_floats_is_readable_elsewhere(result):
    assert json.loads(results.text(result)) == result
