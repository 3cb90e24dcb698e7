"""Results of the bench for a reader in a terminal."""

from ..results import Result
from . import phones
from .models import milliseconds

LATENCY = (
    "model", "runtime", "threads", "ms", "p5..p95", "ratio", "of peak", "frame ms", "first ms", "MB", "IoU %",
)  # fmt: skip
ARM64 = ("model", "runtime", "M instructions", "M memory accesses", "ratio", "error")


def latency(result: Result) -> str:
    rows: list[tuple[str, ...]] = [LATENCY]
    for row in result["models"]:
        used = row["cpu_ms" if row["threads"] == 1 else "wall_ms"]
        scores = (row["accuracy"] or {"scores": {}})["scores"]
        memory, first = row["memory"] or {}, row["first_mask"] or {}
        rows.append(
            (
                row["name"],
                row["runtime"],
                str(row["threads"]),
                f"{milliseconds(row):.2f}",
                f"{used['p5']:.2f}..{used['p95']:.2f}",
                f"{row['ratio']:.2f}",
                "" if row["peak_share"] is None else f"{100 * row['peak_share']:.0f} %",
                f"{row['frame_ms']['median']:.1f}" if row["frame_ms"] else "",
                f"{first['cpu_ms']:.0f}" if first else "",
                f"{memory['peak_mb']:.0f}" if memory.get("peak_mb") else "",
                f"{100 * scores['iou']['value']:.2f}" if "iou" in scores else "",
            )
        )
    peaks = ", ".join(f"{p['macs_per_s'] / 1e9:.1f} on {p['threads']}" for p in result["peaks"])
    return (
        f"{columns(rows, 2)}\n\nratios to {result['reference']}; this machine's peak in G multiply-adds a "
        f"second: {peaks} thread(s)"
    )


def arm64(result: Result) -> str:
    rows: list[tuple[str, ...]] = [ARM64]
    for row in result["models"]:
        rows.append(
            (
                row["name"],
                row["runtime"],
                f"{row['instructions'] / 1e6:.1f}",
                f"{row['memory_accesses'] / 1e6:.1f}",
                f"{row['ratio']:.2f}",
                f"{row['max_error']:.1e}",
            )
        )
    return (
        f"{columns(rows, 2)}\n\nof one mask on an emulated {result['machine']['cpu']}: a cost, not a "
        f"latency; ratios to {result['reference']}; error: largest difference from this machine's output"
    )


def phone_logs(logs: list[Result]) -> str:
    return columns([tuple(phones.HEADS), *(tuple(phones.row(log)) for log in logs)], 3)


def columns(rows: list[tuple[str, ...]], left: int) -> str:
    """Rows under each other, the first `left` columns to the left, numbers to the right."""
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, wide, strict=True)
        padded = [cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(cells)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
