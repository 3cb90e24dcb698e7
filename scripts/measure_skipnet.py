"""What skipping saves in PyTorch, one image at a time, one thread: `python scripts/measure_skipnet.py`.

The portrait SkipNet with fresh weights and its recurrent gate, which runs as it would after training, but its
decisions are replaced by given ones: every block, three quarters of them, and so on, spread evenly. The first
row is the same network without gates, ratios are to it.
"""

import argparse
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from fastportrait import results
from fastportrait.bench.latency import latency
from fastportrait.nets import ZOO
from fastportrait.nets.card import Macs
from fastportrait.nets.skipnet import SkipNet
from fastportrait.nets.skipnet_gates import Memory

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)


class Given(nn.Module):
    """Computes what the gates compute, and decides as it is told."""

    def __init__(self, gates: nn.Module, executed: list[bool]) -> None:
        super().__init__()
        self.gates = gates
        self.executed = executed

    def forward(self, index: int, x: Tensor, memory: Memory = ()) -> tuple[Tensor, Memory]:
        logit, memory = self.gates(index, x, memory)
        return torch.full_like(logit, 1.0 if self.executed[index] else -1.0), memory


def spread(share: float, count: int) -> list[bool]:
    """`share` of `count` blocks, evenly."""
    return [int((i + 1) * share + 1e-9) > int(i * share + 1e-9) for i in range(count)]


def runs(net: SkipNet, size: tuple[int, int]) -> dict[str, tuple[nn.Module, Callable[[], object]]]:
    """By name: the network, and one run of it."""
    image, gates = torch.rand(1, 3, *size), len(net.trunk.blocks) - 1
    plain = net.static(torch.ones(gates), 1.0)
    made: dict[str, tuple[nn.Module, Callable[[], object]]] = {
        "no gates": (plain, partial(plain, image)),
        "gates by arithmetic, as exported": (net, partial(net, image)),
    }
    for share in SHARES:
        given = deepcopy(net)
        given.trunk.gates = Given(given.trunk.gates, spread(share, gates))
        made[f"skipping, {100 * share:.0f} % of the gated blocks run"] = given, partial(given.skip, image)
    return made


def macs(run: Callable[[], object]) -> int:
    with Macs() as counted:
        run()
    return counted.total


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("results/latency/skipnet.json"))
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(1)
    card = ZOO["skipnet"]
    net = card.build().deploy()
    assert isinstance(net, SkipNet)
    with torch.inference_mode():
        made = runs(net, card.size)
        measured = latency({name: run for name, (_, run) in made.items()}, args.rounds)
        first = next(iter(measured.values()))["cpu_ms"]
        rows = []
        for name, (module, run) in made.items():
            params, ratio = sum(p.numel() for p in module.parameters()), measured[name]["cpu_ms"] / first
            rows.append(
                {
                    "name": name,
                    "params": params,
                    "macs": macs(run),
                    **measured[name],
                    "ratio": round(ratio, 3),
                }
            )
            print(f"{name:<44} {rows[-1]['macs'] / 1e6:5.0f} M {ratio:5.2f}")
    result = {
        "schema": "candidates/1",
        "date": date.today().isoformat(),
        "commit": results.commit(),
        "machine": {"device": "cpu", "cpu": results.cpu_name(), "threads": 1},
        "runtime": f"PyTorch {torch.__version__}, CPU",
        "rounds": args.rounds,
        "candidates": rows,
    }
    results.write(result, args.out)


if __name__ == "__main__":
    main()
