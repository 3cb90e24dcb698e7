"""Logs of the phone app: taken in whole, or refused in words."""

import copy
import json

import pytest
from click.testing import CliRunner

from fastportrait.bench.phones import all_of, drift, read, take_in
from fastportrait.cli import main

LOG = {
    "schema": "phone/1",
    "date": "2026-01-31",
    "app": "0.1.0",
    "model": {"name": "small", "file": "small.tflite", "sha256": "a" * 64},
    "device": {"name": "Pixel 8", "platform": "Android 16", "browser": "Chrome 150"},
    "runtime": {"name": "LiteRT.js 2.5.3", "backend": "wasm", "threads": 1},
    "protocol": "every frame of the camera; a sample a second",
    "camera": {"width": 1280, "height": 720, "fps": 30},
    "minutes": 0.1,
    "samples": [
        {"t_s": float(t), "network_ms": 10.0 + t, "latency_ms": 50.0 + t, "fps": 30.0} for t in range(6)
    ],
    "summary": {
        "network_ms_p50": 12.5, "network_ms_p95": 14.8, "latency_ms_p50": 52.5, "latency_ms_p95": 54.8,
        "fps": 30,
    },
}  # fmt: skip


def changed(where, value):
    log = copy.deepcopy(LOG)
    *outer, last = where.split(".")
    inner = log
    for name in outer:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[last] = value
    return log


def written(log, tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    return path


def test_a_log_joins_under_its_device_s_name_and_is_shown(tmp_path):
    log = written(LOG, tmp_path)
    done = CliRunner().invoke(main, ["bench", "--import", str(log), "--phones", str(tmp_path / "phones")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "phones" / "pixel-8-small-wasm-2026-01-31.json").is_file()
    assert "Pixel 8, Chrome 150" in done.output
    assert "12.5" in done.output


def test_the_same_log_twice_is_one_and_another_is_never_written_over(tmp_path):
    folder = tmp_path / "phones"
    first = take_in(written(LOG, tmp_path), folder)
    assert take_in(written(LOG, tmp_path), folder) == first
    second = take_in(written(changed("minutes", 0.2), tmp_path), folder)
    assert second.name == "pixel-8-small-wasm-2026-01-31-2.json"
    assert sorted(log["minutes"] for log in all_of(folder)) == [0.1, 0.2]


def test_a_phone_that_grows_warm_is_seen():
    samples = [{"network_ms": ms} for ms in [10.0] * 5 + [12.0] * 15 + [15.0] * 5]
    assert drift({"samples": samples}) == 1.5


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("schema", "latency/2", "a log of the phone app says 'phone/1'"),
        ("device.name", "", "device.name is ''"),
        ("device.name", "a|b", "device.name is 'a|b'"),
        ("device.name", "two\nlines", "one line"),
        ("date", "31.1.2026", "it must be like 2026-01-31"),
        ("model.sha256", "abc", "64 hexadecimal digits"),
        ("minutes", 0, "minutes must be above 0"),
        ("camera.width", "1280", "camera.width must be int"),
        ("samples", [], "samples must be a list with something in it"),
        ("samples.3.t_s", 1.0, "t_s must rise"),
        ("samples.5.t_s", 900.0, "samples end after 900 s"),
        ("samples.2.network_ms", -1, r"samples\[2\].network_ms must be above 0"),
        ("summary.network_ms_p50", 99, "its samples run from 10 to 15"),
        ("summary.network_ms_p95", 11, "network_ms_p95 is below its p50"),
        ("battery", 1, "unknown field 'battery'"),
    ],
)
def test_a_malformed_log_is_refused_in_words(where, value, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        take_in(written(changed(where, value), tmp_path), tmp_path / "phones")
    assert not (tmp_path / "phones").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "phone/1", "minutes": NaN}', "\udcff"])
def test_what_is_no_log_at_all_is_refused(text, tmp_path):
    path = tmp_path / "log.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"log\.json: "):
        read(path)
