"""How long a mask takes, or what it costs: on this machine, an emulated one, a phone, in a browser."""

from typing import Any

from .parts import SCORE, SPREAD, Maybe

LAYER = {"name": str, "op": str, "output": str, "ms": float, "share": float, "gmacs_per_s": float}
SCHEMAS: dict[str, Any] = {
    "board/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "protocol": str,
        "rounds": int,
        "input": str,
        "networks": [
            {
                "name": str,
                "params": int,
                "macs": int,
                "runtime": str,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
            }
        ],
        "peers": [
            {
                "name": str,
                "file": str,
                "sha256": str,
                "input": str,
                "runtime": str,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
            }
        ],
    },
    "candidates/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "runtime": str,
        "rounds": int,
        "candidates": [
            {
                "name": str,
                "params": int,
                "macs": int,
                "cpu_ms": float,
                "cpu_ms_p90": float,
                "wall_ms": float,
                "ratio": float,  # of CPU time, to the first candidate
            }
        ],
    },
    "steps/1": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "input": str,
        "model": str,
        "rounds": int,
        "steps": [{"name": str, "cpu_ms": float, "cpu_ms_p90": float, "wall_ms": float}],
    },
    "latency/2": {
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"device": str, "cpu": str, "cores": int, "bytes_per_s": float, "how": str},
        "peaks": [{"threads": int, "macs_per_s": float}],
        "protocol": str,
        "rounds": int,
        "reference": str,
        "models": [
            {
                "name": str,
                "ours": bool,
                "network": str,
                "input": str,
                "file": str,
                "sha256": str,
                "bytes": int,
                "runtime": str,
                "threads": int,
                "params": Maybe(int),  # as counted from the file
                "macs": Maybe(int),
                "cpu_ms": SPREAD,  # of the network alone
                "wall_ms": SPREAD,
                "ratio": float,  # to the reference, of CPU time (one thread) or the wall clock (more)
                "peak_share": Maybe(
                    float
                ),  # of the multiply-adds that the machine's peak would do in its time
                "frame_ms": Maybe(
                    SPREAD
                ),  # a frame of 1280 x 720 to its mask: CPU time, of more threads wall
                "first_mask": Maybe({"wall_ms": float, "cpu_ms": float}),  # from the start of a process
                "memory": Maybe({"peak_mb": Maybe(float), "added_mb": Maybe(float)}),
                "accuracy": Maybe({"split": str, "pictures": int, "scores": {"*": SCORE}}),
                "layers": Maybe([LAYER]),
            }
        ],
    },
    "arm64/1": {  # a cost, never a latency
        "schema": str,
        "date": str,
        "commit": str,
        "machine": {"cpu": str, "emulator": str, "wheels": [str]},
        "protocol": str,
        "reference": str,
        "models": [
            {
                "name": str,
                "ours": bool,
                "file": str,
                "sha256": str,
                "bytes": int,
                "input": str,
                "runtime": str,
                "instructions": int,  # of one mask
                "memory_accesses": int,
                "start": int,  # instructions of the process without its masks
                "max_error": float,  # of its output, to that of the same file and runtime on x86
                "ratio": float,  # of instructions, to the reference
            }
        ],
    },
    "phone/1": {  # what the phone app writes: `fastportrait bench --import` takes it in
        "schema": str,
        "date": str,
        "app": str,  # its version
        "model": {"name": str, "file": str, "sha256": str},
        "device": {"name": str, "platform": str, "browser": str},  # as its owner calls it: "Pixel 8"
        "runtime": {
            "name": str,
            "backend": str,
            "threads": int,
        },  # "LiteRT.js 2.5.3", "wasm"; threads 0: unknown
        "protocol": str,
        "camera": {"width": int, "height": int, "fps": float},
        "minutes": float,
        "samples": [{"t_s": float, "network_ms": float, "latency_ms": float, "fps": float}],
        "summary": {
            "network_ms_p50": float,
            "network_ms_p95": float,
            "latency_ms_p50": float,  # of a frame, from the camera to the screen
            "latency_ms_p95": float,
            "fps": float,
        },
    },
    "browser/1": {  # app/scripts/measure-runtimes.mjs
        "schema": str,
        "date": str,
        "machine": {"device": str, "cpu": str, "threads": int},
        "browser": str,
        "csp": str,
        "rounds": int,
        "runtimes": [
            {
                "runtime": str,
                "model": str,
                "version": str,
                "backend": str,
                "threads": int,
                "error": str,
                "load_bytes": int,  # runtime, glue and model
                "load_gzip_bytes": int,
                "load_ms": float,
                "ms_p50": float,
                "ms_p95": float,
                "ms_best": float,
                "max_difference": float,  # of alpha, to the first
            }
        ],
        "csp_reports": int,
    },
}
