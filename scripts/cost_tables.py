"""The tables of docs/bench.md for tables.py, each as its heads and its rows, from results/latency/*.json."""

from collections.abc import Callable
from pathlib import Path

from fastportrait import results
from fastportrait.bench import phones as phone_logs

Table = tuple[list[str], list[list[str]]]


def bench(root: Path) -> Table:
    """What else each of those costs: results/latency/peers.json."""
    result = results.read(root / "results" / "latency" / "peers.json")
    rows = []
    for row in sorted(result["models"], key=lambda row: row["ratio"]):
        first, memory = row["first_mask"], row["memory"]
        rows.append(
            [
                row["name"],
                row["runtime"].removesuffix(", CPU"),
                f"{row['params'] / 1e3:,.0f}" if row["params"] is not None else "",
                f"{row['macs'] / 1e6:,.0f}" if row["macs"] is not None else "",
                f"{row['bytes'] / 1e3:,.0f}",
                f"{100 * row['peak_share']:.0f}" if row["peak_share"] is not None else "",
                f"{row['frame_ms']['median']:.1f}" if row["frame_ms"] else "",
                f"{first['cpu_ms']:.0f}" if first else "",
                f"{memory['peak_mb']:.0f}" if memory and memory["peak_mb"] else "",
            ]
        )
    heads = ["network", "runtime", "K parameters", "M MACs", "file, kB", "% of peak", "720p frame, ms"]
    return [*heads, "first mask, ms", "memory, MB"], rows


def arm64(root: Path) -> Table:
    """Instructions on an emulated phone processor, from results/latency/arm64.json."""
    result = results.read(root / "results" / "latency" / "arm64.json")
    rows = [
        [
            row["name"],
            row["input"],
            row["runtime"],
            f"{row['instructions'] / 1e6:.1f}",
            f"{row['ratio']:.2f}",
            f"{row['memory_accesses'] / 1e6:.1f}",
            f"{row['max_error']:.0e}",
        ]
        for row in sorted(result["models"], key=lambda row: row["instructions"])
    ]
    heads = ["network", "input", "runtime", "M instructions a mask", "ratio", "M memory accesses"]
    return [*heads, "largest difference from x86"], rows


def phones(root: Path) -> Table:
    """Measured on real phones: results/latency/phones/*.json."""
    logs = phone_logs.all_of(root / "results" / "latency" / "phones")
    return phone_logs.HEADS, [phone_logs.row(log) for log in logs]


def frame(root: Path) -> Table:
    """What a camera frame costs beside the network, before and after: results/latency/frame*.json."""
    folder = root / "results" / "latency"
    before, after = (results.read(folder / f"{name}.json")["steps"] for name in ("frame-before", "frame"))
    network = after[0]["cpu_ms"]
    rows = [
        [new["name"], f"{old['cpu_ms']:.1f}", f"{new['cpu_ms']:.1f}", f"{100 * new['cpu_ms'] / network:.0f}"]
        for old, new in zip(before, after, strict=True)
    ]
    return ["step", "before, ms", "ms", "% of the network"], rows


def layers(root: Path) -> Table:
    """Time by kind of node of `small` in ONNX Runtime, and its longest nodes: results/latency/peers.json."""
    result = results.read(root / "results" / "latency" / "peers.json")
    nodes = next(row["layers"] for row in result["models"] if row["layers"])
    kinds: dict[str, float] = {}
    for node in nodes:
        kinds[node["op"]] = kinds.get(node["op"], 0) + node["share"]
    rows = [
        [kind, "", f"{100 * share:.1f}", ""] for kind, share in sorted(kinds.items(), key=lambda k: -k[1])
    ]
    for node in sorted(nodes, key=lambda node: -node["share"])[:10]:
        rate = f"{node['gmacs_per_s']:.0f}" if node["gmacs_per_s"] else ""
        rows.append([f"{node['op']} {node['name']}", node["output"], f"{100 * node['share']:.1f}", rate])
    return ["nodes", "output", "% of the time", "G MACs a second"], rows


TABLES: dict[str, Callable[[Path], Table]] = {
    "arm64": arm64,
    "bench": bench,
    "frame": frame,
    "layers": layers,
    "phones": phones,
}
