import json
import time

from click.testing import CliRunner

from fastportrait import results
from fastportrait.bench.latency import latency
from fastportrait.cli import main


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


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


def test_a_result_names_the_machine_and_keeps_the_schema(green_model, tmp_path):
    out = tmp_path / "latency.json"
    done = CliRunner().invoke(main, ["bench", str(green_model), "--rounds", "3", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    result = results.read(out)
    assert result == json.loads(done.stdout)
    assert result["models"][0]["ratio"] == 1.0
    assert result["machine"]["threads"] == 1


def test_a_model_that_is_not_there_is_one_clear_line():
    done = CliRunner().invoke(main, ["bench", "no-such-model"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: no model 'no-such-model'")
