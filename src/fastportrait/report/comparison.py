"""Several models measured on the same pictures, held against each other pair by pair."""

from itertools import combinations
from typing import Any

from ..evaluate import HEADLINES
from ..metrics import LABELS, MORE_IS_BETTER, number, paired, verdict
from ..results import Result


def compare(results: list[Result], seed: int = 0) -> Result:
    """A "comparison/1" of results in the order given; every metric of both, paired, whatever it says.

    Raises `ValueError` where two were not measured on the same pictures by the same protocol.
    """
    differences = {}
    for ours, theirs in combinations(results, 2):
        pair = f"{ours['model']['name']} - {theirs['model']['name']}"
        differences[pair] = _differences(ours, theirs, seed)
    return {
        "schema": "comparison/1",
        "date": results[0]["date"],
        "commit": results[0]["commit"],
        "results": results,
        "differences": differences,
    }


def headline_words(comparison: Result) -> list[str]:
    """ "person IoU: small is better than teacher (...)" for what models are mostly judged by."""
    return [
        f"{LABELS[row['metric']][0]}: {row['words']}"
        for rows in comparison["differences"].values()
        for row in rows
        if row["metric"] in HEADLINES
    ]


def _differences(ours: Result, theirs: Result, seed: int) -> list[dict[str, Any]]:
    names = [result["model"]["name"] for result in (ours, theirs)]
    other = {row["key"]: row for row in theirs["pictures"]}
    if {row["key"] for row in ours["pictures"]} != other.keys() or ours["protocol"] != theirs["protocol"]:
        raise ValueError(f"{names[0]} and {names[1]} were not measured on the same pictures")
    rows = []
    for metric in ours["pictures"][0]:
        if metric == "key" or metric not in theirs["pictures"][0]:
            continue
        gap = paired(
            [row[metric] for row in ours["pictures"]],
            [other[row["key"]][metric] for row in ours["pictures"]],
            seed,
        )
        words = verdict(gap, *names, more_is_better=metric in MORE_IS_BETTER)
        figures = {name: round(value, 6) for name, value in gap.items()}
        rows.append({"ours": names[0], "theirs": names[1], "metric": metric, **figures, "words": words})
    return rows


def shown(metric: str, score: dict[str, float]) -> tuple[str, str]:
    """A score and its interval as tables have them: "94.47", "93.08 to 95.66"."""
    return number(
        metric, score["value"]
    ), f"{number(metric, score['low'])} to {number(metric, score['high'])}"


def hard(results: list[Result], count: int) -> dict[str, list[str]]:
    """Keys of up to `count` pictures by why they are shown: those worst for all, and those where models part.

    By person IoU, or by false mask where nobody is there.
    """
    metric = "iou" if "iou" in results[0]["pictures"][0] else "false_mask"
    sign = 1 if metric == "iou" else -1
    columns = [{row["key"]: row[metric] for row in result["pictures"]} for result in results]
    keys = list(columns[0])
    worst = sorted(keys, key=lambda key: sign * sum(column[key] for column in columns))
    if len(columns) == 1:
        return {"Worst": worst[:count]}
    half = (count + 1) // 2
    found = {"Worst for all together": worst[:half]}

    def gap(key: str) -> float:
        values = [column[key] for column in columns]
        return min(values) - max(values)

    rest = [key for key in sorted(keys, key=gap) if key not in worst[:half] and gap(key) < 0]
    if rest[: count - half]:
        found["Where the models differ most"] = rest[: count - half]
    return found
