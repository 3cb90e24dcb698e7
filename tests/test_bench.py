import json
import time

import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait import results
from fastportrait.bench import cost
from fastportrait.bench.cold import cold, resident_peak
from fastportrait.bench.contestants import contestant, files
from fastportrait.bench.frame import camera_frame
from fastportrait.bench.latency import latency, samples, spread
from fastportrait.bench.layers import layers
from fastportrait.bench.models import Plan, bench, compared, evaluated
from fastportrait.bench.peak import measure
from fastportrait.cli import main


def run(*words):
    return CliRunner().invoke(main, ["bench", *map(str, words)])


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def row(name, cpu, wall=1.0, threads=1, macs=None):
    return {
        "name": name, "threads": threads, "macs": macs, "params": None if macs is None else 5,
        "cpu_ms": {"p5": cpu, "median": cpu, "p95": cpu},
        "wall_ms": {"p5": wall, "median": wall, "p95": wall},
    }  # fmt: skip


def test_rounds_are_interleaved_and_every_run_is_called_alike():
    calls = []
    latency({name: lambda name=name: calls.append(name) for name in "abc"}, rounds=4, warmup=1)
    rounds = [calls[i : i + 3] for i in range(0, 15, 3)]
    assert all(sorted(r) == ["a", "b", "c"] for r in rounds)
    assert len(calls) == 15


def test_work_is_told_from_waiting():
    measured = latency({"works": lambda: spin(0.004), "waits": lambda: time.sleep(0.004)}, rounds=5, warmup=1)
    assert measured["works"]["cpu_ms"] >= 3.9
    assert measured["waits"]["cpu_ms"] < measured["works"]["cpu_ms"]
    assert measured["waits"]["wall_ms"] >= 3.9


def test_the_warm_up_is_not_counted():
    turns = iter([0.03, 0.03, 0.0, 0.0, 0.0])
    taken = samples({"first slow": lambda: spin(next(turns))}, rounds=3, warmup=2)["first slow"]
    assert taken.shape == (3, 2)
    assert taken[:, 0].max() < 25


def test_a_spread_is_percentiles():
    assert spread(np.arange(101.0)) == {"p5": 5.0, "median": 50.0, "p95": 95.0}


def test_ratios_are_of_cpu_time_on_one_thread_and_of_the_wall_clock_on_more():
    rows = [row("a", 2.0, 9.0), row("b", 6.0, 9.0), row("a", 9.0, 2.0, 2), row("b", 9.0, 1.0, 2)]
    assert [r["ratio"] for r in compared(rows, "a", {1: 1e9, 2: 1e9})] == [1.0, 3.0, 1.0, 0.5]


def test_the_share_of_the_peak_is_the_multiply_adds_over_those_that_were_possible():
    found = compared([row("a", 2.0, macs=1_000_000)], "a", {1: 1e9})
    assert found[0]["peak_share"] == 0.5  # of 2 million in 2 ms


def test_what_one_runtime_s_file_says_is_known_of_the_other_s():
    found = compared([row("a", 2.0), row("a", 1.0, macs=7)], "a", {1: 1e9})
    assert [(r["macs"], r["params"], r["ratio"]) for r in found] == [(7, 5, 1.0), (7, 5, 0.5)]


def test_a_reference_that_is_not_there_is_said():
    with pytest.raises(ValueError, match="--reference c: not among a"):
        compared([row("a", 1.0)], "c", {1: 1e9})


def test_the_peak_is_more_than_a_processor_of_1995_has_and_less_than_any_core_of_today():
    found = measure(1)
    assert 1e8 < found.macs_per_s < 1e12
    assert 1e8 < found.bytes_per_s < 1e13


def test_costs_are_counted_from_the_file(green_model):
    one = contestant(str(green_model), 1, None)
    assert one.cost() == cost.Cost(params=3, macs=3 * 64 * 64)


def test_costs_of_a_lite_rt_file_are_those_of_its_products():
    from fastportrait.peers.custom_op import CUSTOM, standard
    from test_peers import transposed

    data = standard(transposed(b"\2\0\0\0\2\0\0\0\2\0\0\0", CUSTOM))
    assert cost.litert(data) == cost.Cost(params=4 + 1, macs=2 * 2 * 2 * 2)


def test_layers_share_the_whole_time(green_model):
    one = contestant(str(green_model), 1, None)
    found = layers(green_model, one.image, runs=4, warmup=1)
    assert sum(layer["share"] for layer in found) == pytest.approx(1, abs=1e-3)
    assert "Conv" in {layer["op"] for layer in found} or "FusedConv" in {layer["op"] for layer in found}


def test_a_cold_start_is_longer_than_its_work_and_takes_memory(green_model):
    found = cold(str(green_model), 1, None, times=1)
    assert found["cpu_ms"] > 50  # Python, NumPy and the runtime have to be loaded
    if resident_peak() is not None:
        assert found["peak_mb"] > found["added_mb"] > 1


def test_a_process_that_fails_is_said_with_its_reason():
    with pytest.raises(ValueError, match="no model 'no-such-model'"):
        cold("no-such-model", 1, None, times=1)


def test_the_frame_is_of_720_lines_and_is_drawn_once():
    assert camera_frame().shape == (720, 1280, 3)
    assert camera_frame() is camera_frame()
    assert camera_frame().std() > 10


def test_a_shipped_name_becomes_a_file_for_each_runtime(tmp_path):
    (tmp_path / "small.tflite").write_bytes(b"")
    assert files("small", ["onnx", "litert"], tmp_path) == ["small", str(tmp_path / "small.tflite")]
    assert files("peer:modnet", ["litert"], tmp_path) == ["peer:modnet"]
    with pytest.raises(
        ValueError, match=r"small\.ncnn\.param: write it with fastportrait export small --to ncnn"
    ):
        files("small", ["ncnn"], tmp_path)
    with pytest.raises(ValueError, match="no runtime 'tensorrt'; there are onnx, litert"):
        files("small", ["tensorrt"], tmp_path)


def test_a_result_names_the_machine_and_keeps_the_schema(green_model, tmp_path):
    out, report = tmp_path / "latency.json", tmp_path / "report.html"
    done = run(green_model, "--rounds", 3, "--threads", "1,2", "--out", out, "--report", report, "--json")
    assert done.exit_code == 0, done.output
    result = results.read(out)
    assert result == json.loads(done.stdout)
    assert [(r["threads"], r["ratio"]) for r in result["models"]] == [(1, 1.0), (2, 1.0)]
    assert [peak["threads"] for peak in result["peaks"]] == [1, 2]
    one, two = result["models"]
    assert one["first_mask"]["cpu_ms"] > 0
    assert one["frame_ms"]["median"] > 0
    assert one["layers"]
    assert two["first_mask"] is two["layers"] is None
    page = report.read_text()
    assert "green, 2 threads" in page
    assert "green by layer" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_accuracy_is_measured_in_the_same_run_or_taken_from_results(green_model, tmp_path):
    from shards import write_shard

    image = np.full((40, 40, 3), 128, np.uint8)
    image[10:, 10:30] = (20, 220, 40)
    alpha = np.where(image[:, :, 1] > 200, 255, 0).astype(np.uint8)
    write_shard(tmp_path / "val-000.tar", [(f"k{i}", image, alpha, {"source": "s"}) for i in range(3)])
    plan = Plan([str(green_model)], rounds=2, whole=False, data=tmp_path, limit=2)
    found = bench(plan)["models"][0]["accuracy"]
    assert found["pictures"] == 2
    assert found["scores"]["iou"]["value"] > 0.9
    with pytest.raises(ValueError, match="holds no result"):
        evaluated(tmp_path, "val")


def test_results_of_the_evaluation_are_found_by_name():
    from test_repository import ROOT

    found = evaluated(ROOT / "results" / "accuracy", "val")
    assert found["small"]["pictures"] == 293
    assert "iou" in found["mediapipe-selfie"]["scores"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-model"], "no model 'no-such-model'"),
        (["small", "small"], "small: named twice"),
        (["small", "--threads", "1,x"], "give whole numbers above 0"),
        (["small", "--report", "page.pdf"], "end it in .html"),
        (["--import", "no-such-log.json"], "no-such-log.json: no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, message):
    done = run(*words)
    assert done.exit_code in (1, 2)
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_peer_is_timed_as_it_is_run(tmp_path, monkeypatch):
    from conftest import write_model

    monkeypatch.setenv("FASTPORTRAIT_PEERS", str(tmp_path))
    pytest.importorskip("onnx")
    write_model(tmp_path / "u2netp.onnx", None, size=(320, 320))
    one = contestant("peer:u2netp", 1, None)
    assert not one.about["ours"]
    assert one.image.shape == (1, 3, 320, 320)
    assert one.frame(camera_frame()).shape == (720, 1280)
    assert one.network()[0].shape == (1, 1, 320, 320)
