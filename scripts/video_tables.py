"""The tables of docs/video.md and docs/steady.md for tables.py."""

from pathlib import Path

from fastportrait import results
from table_parts import table


def video(root: Path) -> str:
    """A 720p video, each stage alone and all together, from results/latency/video.json."""
    result = results.read(root / "results" / "latency" / "video.json")
    stages = [stage["name"] for stage in result["models"][0]["stages"]]
    rows = []
    for row in result["models"]:
        cells = [f"{stage['frames_per_second']:.0f} ({stage['cpu_ms']:.1f})" for stage in row["stages"]]
        together = f"{row['frames_per_second']:.0f} ({row['cpu_ms']:.1f})"
        rows.append([row["name"], *cells, together, f"{row['share']:.2f}", f"{row['real_time']:.2f}"])
    machine = result["machine"]
    busy = f"\nOther work ran beside it: a load of {machine['load']:.0f} on {machine['cores']} cores.\n"
    alone = machine["load"] <= machine["cores"] + 1
    heads = ["network", *stages, "all together", "of the slowest", "of real time"]
    return table(heads, rows) + ("" if alone else busy)


def video_edges(root: Path) -> str:
    """A video's edges beside a photo's, from results/latency/video.json."""
    result = results.read(root / "results" / "latency" / "video.json")
    rows = [
        [row["name"], f"{row['mad']:.2f}", f"{row['edge_mad']:.1f}", f"{row['cpu_ms']:.1f}"]
        for row in result["edges"]
    ]
    return table(["edges", "MAD x1000", "MAD x1000 near the edge", "ms of CPU"], rows)


def video_profile(root: Path) -> str:
    """Where masking and composing take their time, from results/latency/video.json."""
    result = results.read(root / "results" / "latency" / "video.json")
    rows = [[f"`{row['name']}`", str(row["calls"]), f"{row['ms']:.2f}"] for row in result["profile"]]
    return table(["function", "calls a frame", "ms of CPU a frame"], rows)


STEADY = {
    "dtssd": ("dtSSD x100", 100),
    "flicker": ("flicker x1000", 1000),
    "moving_edge_iou": ("IoU at moving edges %", 100),
    "iou": ("IoU %", 100),
    "mad": ("MAD x1000", 1000),
}


def steady(root: Path, part: str, motion: str) -> str:
    """Masks over time on sequences with truth, from results/steady/PART.json."""
    result = results.read(root / "results" / "steady" / f"{part}.json")
    rows = [
        [row["name"], *(f"{scale * row[name]:.2f}" for name, (_, scale) in STEADY.items())]
        for row in result["rows"]
        if row["motion"] == motion
    ]
    return table(["system", *(label for label, _ in STEADY.values())], rows)


def steady_clips(root: Path) -> str:
    """What changes in a mask and not in the picture, on real clips, from results/steady/clips.json."""
    rows = results.read(root / "results" / "steady" / "clips.json")["rows"]
    clips = list(dict.fromkeys(row["clip"] for row in rows))
    found = {(row["name"], row["clip"]): row["unexplained"] for row in rows}
    names = dict.fromkeys(row["name"] for row in rows)
    lines = [[name, *(f"{1000 * found[name, clip]:.2f}" for clip in clips)] for name in names]
    return table(["system", *(clip.replace("_", " ") for clip in clips)], lines)


def cuts(root: Path) -> str:
    """How new a frame is after another, from results/steady/cuts.json."""
    names = ("least", "p5", "median", "p95", "most", "called_cut")
    rows = results.read(root / "results" / "steady" / "cuts.json")["rows"]
    lines = [[row["kind"], str(row["pairs"]), *(f"{100 * row[name]:.1f}" for name in names)] for row in rows]
    heads = ["two frames", "pairs", "least %", "5th percentile", "median", "95th", "most", "called a cut %"]
    return table(heads, lines)


def idle(root: Path) -> str:
    """What rest saves and costs, from results/steady/idle.json."""
    rows = results.read(root / "results" / "steady" / "idle.json")["rows"]
    lines = [
        [
            row["clip"].replace("_", " "),
            str(row["frames"]),
            f"{100 * row['skipped']:.1f}",
            f"{1000 * row['error']:.2f}",
            f"{row['worst']:.3f}",
        ]
        for row in rows
    ]
    return table(["clip", "frames", "skipped %", "MAD x1000 there", "worst 8 x 8 pixels"], lines)


def edges_of_video(root: Path) -> str:
    """Edges for photos and for video beside each other, from results/steady/edges.json."""
    rows = results.read(root / "results" / "steady" / "edges.json")["rows"]
    lines = [
        [
            row["name"],
            *(f"{100 * row[name]:.2f}" for name in ("iou", "boundary_iou")),
            f"{1000 * row['mad']:.2f}",
            f"{row['ratio']:.2f}",
        ]
        for row in rows
    ]
    return table(["edges", "IoU %", "boundary IoU %", "MAD x1000", "time at 720p"], lines)
