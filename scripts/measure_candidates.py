"""What a phone network's parts cost in ONNX Runtime, one thread: `python scripts/measure_candidates.py`.

Before `small` was trained, its trunk and decoder were chosen by this table (docs/models.md): each candidate
is exported and run beside the others in one run. The first row is the chosen network, ratios are to it.
"""

import argparse
import json
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from fastportrait import results
from fastportrait.bench.latency import latency
from fastportrait.export.onnx import build as onnx_graph
from fastportrait.nets.blocks import ConvBNAct, double
from fastportrait.nets.card import measure
from fastportrait.nets.mobilenetv2 import TABLE
from fastportrait.nets.network import Network
from fastportrait.nets.topdown import TopDown, from_table

TO_64, TO_96 = TABLE[:4], (*TABLE[:4], (6, 96, 1, 1))
TOP = ((3, 96, 2, 2),)
THIN, WIDE = (16, 24, 32, 48, 64), (32, 32, 32, 32, 32)


class Dense(TopDown):
    """The decoder's separable filters replaced by plain 3x3 convolutions."""

    def __init__(self, *rows, widths: tuple[int, ...]) -> None:
        super().__init__(from_table(*rows, widths))
        finer = (widths[0], *widths[:-1])
        self.decoder.smooth = nn.ModuleList(ConvBNAct(w, f) for w, f in zip(widths, finer, strict=True))


class FromStride4(TopDown):
    """The decoder ends at stride 4, without the finest map."""

    def __init__(self, *rows, widths: tuple[int, ...]) -> None:
        super().__init__(from_table(*rows, widths))
        self.decoder.lateral[0] = nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        features = self.trunk(self.normalise(image))
        for stage in self.top:
            features.append(stage(features[-1]))
        decoder = self.decoder
        x = decoder.context(decoder.lateral[-1](features[-1]))
        for i in range(len(features) - 2, 0, -1):
            x = double(decoder.smooth[i + 1](x)) + decoder.lateral[i](features[i])
        return double(double(self.head(decoder.smooth[1](x))))


def of(*table) -> Callable[[], Network]:
    return partial(TopDown, from_table(*table))


CANDIDATES: dict[str, tuple[Callable[[], Network], int]] = {
    "small: to the first 96-channel block, two blocks at stride 32, thin decoder": (
        of(TO_96, TOP, THIN),
        256,
    ),
    "the same at 224 x 224": (of(TO_96, TOP, THIN), 224),
    "decoder 32 wide throughout": (of(TO_96, TOP, WIDE), 256),
    "decoder of plain 3x3 convolutions": (partial(Dense, TO_96, TOP, widths=THIN), 256),
    "decoder ends at stride 4": (partial(FromStride4, TO_96, TOP, widths=THIN), 256),
    "nothing at stride 32": (of(TO_96, (), THIN[:4]), 256),
    "trunk ends at 64 channels": (of(TO_64, TOP, THIN), 256),
    "trunk with all 96-channel blocks": (of(TABLE[:5], TOP, THIN), 256),
    "whole trunk, 48-wide decoder": (of(TABLE, (), (48, 48, 48, 48, 48)), 256),
}


def session(build: Callable[[], Network], size: int) -> Callable[[], object]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    data = onnx_graph(build().eval(), (size, size)).SerializeToString()
    made = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).random((1, 3, size, size), np.float32)
    return lambda: made.run(None, {"image": image})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("results/candidates/decoders.json"))
    args = parser.parse_args()

    torch.manual_seed(0)
    measured = latency({name: session(*made) for name, made in CANDIDATES.items()}, args.rounds)
    first = next(iter(measured.values()))["cpu_ms"]
    rows = []
    for name, (build, size) in CANDIDATES.items():
        cost = measure(build, (size, size))
        ratio = round(measured[name]["cpu_ms"] / first, 3)
        rows.append(
            {"name": name, "params": cost.params, "macs": cost.macs, **measured[name], "ratio": ratio}
        )
        print(f"{name:<76} {cost.params / 1e3:6.0f} K {cost.macs / 1e6:5.0f} M {ratio:5.2f}")
    result = {
        "schema": "candidates/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
        "runtime": f"ONNX Runtime {ort.__version__}, CPU",
        "rounds": args.rounds,
        "candidates": rows,
    }
    results.write(result, args.out)
    print(json.dumps({"written": str(args.out)}))


if __name__ == "__main__":
    main()
