"""The repository keeps its promises: one version, a core without torch, three floors, true documents."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import fastportrait
from fastportrait import cli

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    """The projects of a list of requirements, without versions and extras."""
    return {re.split(r"[\[<>=!~; ]", line)[0].lower().replace("_", "-") for line in requirements}


def every_requirement() -> list[str]:
    project = pyproject()["project"]
    return [
        *project["dependencies"],
        *(r for group in project["optional-dependencies"].values() for r in group),
    ]


def test_the_version_is_the_same_everywhere() -> None:
    version = pyproject()["project"]["version"]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert citation is not None
    assert (fastportrait.__version__, citation[1]) == (version, version)
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_core_install_is_small() -> None:
    assert names(pyproject()["project"]["dependencies"]) == {
        "click", "numpy", "onnxruntime", "opencv-python-headless", "pi-heif", "pillow",
    }  # fmt: skip


def test_torch_is_capped_and_what_breaks_beside_it_stays_out() -> None:
    assert [r for r in every_requirement() if names([r]) == {"torch"}] == ["torch>=2.8,<2.14"]
    unwanted = {
        "torchvision",
        "timm",
        "segmentation-models-pytorch",
        "albumentations",
        "albumentationsx",
        "ultralytics",
    }
    assert not names(every_requirement()) & unwanted


def test_every_dependency_is_named_with_its_licence() -> None:
    known = (ROOT / "THIRD_PARTY.md").read_text().lower().replace("_", "-")
    assert [name for name in sorted(names(every_requirement()) - {"fastportrait"}) if name not in known] == []


def test_every_module_stands_on_one_floor() -> None:
    contracts = {contract["id"]: contract for contract in pyproject()["tool"]["importlinter"]["contracts"]}
    floors = [module for floor in ("run", "nets", "make") for module in contracts[floor]["source_modules"]]
    package = ROOT / "src" / "fastportrait"
    modules = {p.stem for p in package.glob("*.py")} | {p.parent.name for p in package.glob("*/__init__.py")}
    modules -= {"__init__", "__main__", "cli"}
    assert sorted(floors) == sorted(f"fastportrait.{module}" for module in modules)
    assert set(contracts["run"]["forbidden_modules"]) >= {*contracts["nets"]["source_modules"], "torch"}
    assert set(contracts["run"]["forbidden_modules"]) >= set(contracts["make"]["source_modules"])
    assert set(contracts["nets"]["forbidden_modules"]) >= set(floors) - {"fastportrait.nets"}


def test_help_and_version_import_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "cv2", "PIL", "onnxruntime", "onnx", "pytorch_lightning", "kornia"]
    for flag in ("--help", "--version"):
        code = (
            "import sys\nfrom fastportrait.cli import main\n"
            f"try:\n    main([{flag!r}])\nexcept SystemExit as end:\n    assert not end.code\n"
            f"print('heavy:', [name for name in {heavy} if name in sys.modules])"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.endswith("heavy: []\n"), run.stdout


def written_commands() -> list[tuple[str, str]]:
    """(document, "fastportrait VERB ...") for every command in a code block or between backquotes."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        code = [
            body
            for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
            if language in ("", "sh")
        ]
        code += re.findall(r"`(fastportrait [^`]*)`", text)
        lines = [line.split(" #")[0].strip() for block in code for line in block.splitlines()]
        found += [(path.name, line) for line in lines if line.startswith("fastportrait ")]
    return found


@pytest.mark.parametrize(("document", "line"), written_commands())
def test_commands_in_the_documents_exist_with_their_options(document: str, line: str) -> None:
    verb, *rest = line.split()[1:]
    if verb.startswith("-"):
        assert verb in ("--help", "--version")
        return
    if verb == "VERB":
        return
    assert verb in cli.VERBS, f"{document} names `fastportrait {verb}`"
    command = cli.main.get_command(click.Context(cli.main), verb)
    inner = rest[:1] if isinstance(command, click.Group) else []
    usage = CliRunner().invoke(cli.main, [verb, *inner, "--help"])
    assert usage.exit_code == 0, usage.output
    options = {
        word.split("=")[0].strip("[],") for word in rest if word.startswith(("-", "[-")) and word != "-"
    }
    known = set(re.findall(r"--?[a-z][a-z0-9-]*", usage.output))
    assert options <= known, f"{document}: {line}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_scripts_in_the_documents_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    links += re.findall(r'src="([^"]+)"', text)
    missing = [link for link in links if link and not (path.parent / link).exists()]
    scripts = set(re.findall(r"\b(?:scripts|examples|recipes)/[a-z0-9_-]+(?:\.\w+)?|\.ci/run", text))
    missing += [script for script in scripts if not (ROOT / script).exists()]
    assert missing == []


def test_the_readme_shows_the_example_that_runs(tmp_path: Path) -> None:
    example = ROOT / "examples" / "cut.py"
    assert f"```python\n{example.read_text()}```" in (ROOT / "README.md").read_text()
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    subprocess.run([sys.executable, example], cwd=tmp_path, check=True)
    assert (tmp_path / "cutout.png").stat().st_size > 10_000


def test_the_readme_keeps_the_two_licences_apart() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "Apache-2.0" in readme
    assert "LICENSE-WEIGHTS" in readme
    assert pyproject()["project"]["license"] == "Apache-2.0 AND LicenseRef-fastportrait-weights"


def test_no_place_on_our_own_machines_is_written_down() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    texts = [
        ROOT / f
        for f in listed.stdout.split()
        if Path(f).suffix in {".md", ".py", ".toml", ".json", ".yml", ".cff"}
    ]
    private = re.compile(r"(?<![\w.])/(?:root|home|Users|tmp)/\w")
    assert [p.name for p in texts if p.exists() and private.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "script", ["scripts/test", "scripts/demo", "scripts/python", ".ci/run", ".ci/app", ".ci/native"]
)
def test_scripts_can_be_run(script: str) -> None:
    path = ROOT / script
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o111, f"chmod +x {script}"
        subprocess.run(["bash", "-n", path], check=True)
