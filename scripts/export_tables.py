"""The tables of docs/export.md for tables.py: int8 and parity."""

from pathlib import Path
from typing import Any

from fastportrait import results
from fastportrait.metrics import number
from table_parts import table, zoo


def int8_rungs(root: Path) -> str:
    """What every rung of the int8 ladder costs, from results/choices/int8.json."""
    result = _if_there(root / "results" / "choices" / "int8.json")
    rows = []
    for row in result["rungs"] if result else []:
        lost = f"{100 * row['lost_iou']:.2f}", f"{100 * row['lost_boundary_iou']:.2f}"
        state = "kept" if row["kept"] else "holds" if row["holds"] else "fails"
        rows.append([row["weights"], f"{row['format']}: {row['rung']}", *lost, f"{row['shift']:.3f}", state])
    heads = [
        "weights",
        "rung",
        "IoU points lost",
        "boundary IoU points lost",
        "displaced by, pixels",
        "state",
    ]
    return table(heads, rows)


def int8_files(root: Path) -> str:
    """The file that the ladder kept beside the float32 one, from results/choices/int8.json."""
    result = _if_there(root / "results" / "choices" / "int8.json")
    rows = []
    for row in result["files"] if result else []:
        scores = [number(name, row[name]) for name in ("iou", "boundary_iou", "mad")]
        size = f"{row['bytes'] / 1000:,.0f}"
        rows.append([row["weights"], f"{row['format']}: {row['file']}", size, *scores])
    return table(["weights", "file", "kB", "person IoU %", "boundary IoU %", "MAD x1000"], rows)


def parity(root: Path) -> str:
    """Every network in every runtime in float32, from results/parity/*.json."""
    found = _parity(root)
    rows = []
    for network in (n["name"] for n in zoo(root)["networks"]):
        cells = [by[network, "fp32"] for by in found.values() if (network, "fp32") in by]
        trained = any(cell["trained"] for cell in cells)
        shown = [_cell(by.get((network, "fp32"))) for by in found.values()]
        rows.append([f"**{network}**" if trained else network, *shown])
    return table(["network", *found], rows if found else [])


def parity_failures(root: Path) -> str:
    """The failing cells, in words."""
    rows = [
        [network, f"{runtime} {precision}", cell["message"][:300].replace("|", "/")]
        for runtime, by in _parity(root).items()
        for (network, precision), cell in by.items()
        if cell["result"] == "fail"
    ]
    return table(["network", "runtime", "message"], rows)


def parity_precisions(root: Path) -> str:
    """The cells that are not float32."""
    rows = []
    for runtime, by in _parity(root).items():
        for (network, precision), cell in by.items():
            if precision != "fp32":
                got = cell["measured"]
                masks = [f"{got[name]:.4f}" if name in got else "" for name in ("iou", "boundary_iou")]
                size = f"{cell['bytes'] / 1000:,.0f}" if cell["bytes"] else ""
                rows.append([network, f"{runtime} {precision}", _cell(cell), *masks, size])
    return table(["network", "runtime", "largest difference", "least IoU", "least boundary IoU", "kB"], rows)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["result"] == "fail":
        return "" if row is None else "fail"
    got = row["measured"]
    own = f" (own {got['own_max_alpha']:.0e})" if "own_max_alpha" in got else ""
    return f"{got['max_alpha']:.0e}{own}"


def _parity(root: Path) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """{runtime: {(network, precision): cell}}"""
    names = ("onnx", "litert", "executorch", "coreml", "ncnn")
    paths = [root / "results" / "parity" / f"{name}.json" for name in names]
    found = [results.read(path) for path in paths if path.is_file()]
    return {r["runtime"]: {(row["network"], row["precision"]): row for row in r["rows"]} for r in found}


def _if_there(path: Path) -> dict[str, Any] | None:
    return results.read(path) if path.is_file() else None
