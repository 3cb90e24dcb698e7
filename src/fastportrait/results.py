"""A measured result as a JSON file that says all it takes to repeat it.

The documents' tables are made from `results/`; a test holds every file there to its schema (schemas/).
"""

import hashlib
import json
import os
import platform
import subprocess
import tempfile
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .schemas import SCHEMAS, Maybe

Result = dict[str, Any]


def check(result: Result) -> None:
    """Raises `ValueError` naming the place where `result` is not what its schema says."""
    name = result.get("schema")
    if name not in SCHEMAS:
        raise ValueError(f"schema is {name!r}, known are {', '.join(SCHEMAS)}")
    _check(result, SCHEMAS[name], "")
    for measured in {"accuracy/1": [result], "comparison/1": result.get("results", [])}.get(name, []):
        _check_means(measured)


def _check_means(result: Result) -> None:
    rows = result["pictures"]
    if len(rows) != result["data"]["pictures"]:
        raise ValueError(f"pictures: {len(rows)} rows, data.pictures says {result['data']['pictures']}")
    for metric, score in result["scores"].items():
        if metric not in result["metrics"]:
            raise ValueError(f"scores.{metric}: metrics does not say what it is")
        if metric in rows[0]:
            mean = sum(row[metric] for row in rows) / len(rows)
            if abs(mean - score["value"]) > 2e-6:
                raise ValueError(
                    f"scores.{metric}.value is {score['value']}, the mean of its pictures is {mean:.6g}"
                )


def write(result: Result, path: Path) -> None:
    """Checks `result` and writes it whole or not at all."""
    check(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
    ) as file:
        try:
            file.write(text(result))
            file.close()
            os.chmod(file.name, 0o644)  # a temporary file is made for its owner alone
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def read(path: Path) -> Result:
    """A checked result. Raises `ValueError` naming the file."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result, dict):
            raise ValueError("not a JSON object")
        check(result)
    except ValueError as error:  # also what json raises
        raise ValueError(f"{path}: {error}") from error
    return result


def text(value: Any, indent: str = "") -> str:
    """JSON with one row of a list a line, so that a changed number is a changed line. No NaN."""
    if not indent:
        return _braces(value, indent) + "\n"
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    rows = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    long = isinstance(value, dict) and len(indent + line) > 110
    return _braces(value, indent) if rows or long else line


def _braces(value: dict[str, Any] | list[Any], indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {text(item, inner)}" for key, item in value.items()]
        opening, closing = "{}"
    else:
        lines = [json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value]
        opening, closing = "[]"
    return opening + "".join(f"\n{inner}{line}," for line in lines)[:-1] + f"\n{indent}{closing}"


def _check(value: Any, schema: Any, where: str) -> None:
    if isinstance(schema, Maybe):
        if value is not None:
            _check(value, schema.of, where)
    elif isinstance(schema, dict):
        if not isinstance(value, dict):
            raise ValueError(f"{where or 'the result'} must be an object, is {type(value).__name__}")
        for key in schema.keys() - {"*"} - value.keys():
            raise ValueError(f"{_join(where, key)} is missing")
        for key, item in value.items():
            if key not in schema and "*" not in schema:
                near = get_close_matches(key, schema, n=1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{where or 'the result'}: unknown field {key!r}{hint}")
            _check(item, schema.get(key, schema.get("*")), _join(where, key))
    elif isinstance(schema, list):
        if not isinstance(value, list) or not value:
            raise ValueError(f"{where} must be a list with something in it")
        for index, item in enumerate(value):
            _check(item, schema[0], f"{where}[{index}]")
    else:
        right = isinstance(value, schema) or (schema is float and isinstance(value, int))
        if not right or (isinstance(value, bool) and schema is not bool):
            raise ValueError(f"{where} must be {schema.__name__}, is {value!r}")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def commit() -> str:
    """The commit of the checkout that this package runs from, "-dirty" where the package has changes;
    "unknown" where it was installed from elsewhere."""
    here = Path(__file__)

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=here.parent, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git(
            "ls-files", "--error-unmatch", here.name
        )  # a virtual environment may lie in somebody's repository
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu_name() -> str:
    """What the processor calls itself: "AMD EPYC", "Apple M2"."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Hardware")):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()
