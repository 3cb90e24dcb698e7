"""`fastportrait app`: found or built, served or exported, and every cure named."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fastportrait.cli import app as verb
from fastportrait.cli import main
from fastportrait.serve import assets, frontend, headers, local

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def static(tmp_path, monkeypatch):
    """An app that is built."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the app")
    (folder / "sw.js").write_text("// worker")
    (folder / "assets" / "index-B4uKx_1Z.js").write_text("export {}")
    monkeypatch.setattr(frontend, "ready", lambda say: folder)
    return folder


def run(*words):
    return CliRunner().invoke(main, ["app", *map(str, words)])


# --- exported


def test_the_export_is_the_app_with_its_headers(static, tmp_path):
    out = tmp_path / "site"
    result = run("--export", out)
    assert result.exit_code == 0, result.output
    assert "4 files" in result.output
    names = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert names == {"index.html", "sw.js", "assets/index-B4uKx_1Z.js", "_headers"}
    for name in names - {"_headers"}:
        assert (out / name).read_bytes() == (static / name).read_bytes()


def test_the_headers_file_gives_each_path_each_header_once():
    text = headers.headers_file(["index.html", "sw.js", "assets/index-B4uKx_1Z.js", "assets/a-12345678.wasm"])
    rules = {}
    for line in text.splitlines():
        if line.startswith("/"):
            rules[line] = current = {}
        elif line.strip():
            name, value = line.strip().split(": ", 1)
            assert line.startswith("  ")
            assert name not in current
            current[name] = value
    assert rules["/*"] == headers.SECURITY
    hashed = {"Cache-Control": "public, max-age=31536000, immutable"}
    assert {path: rule for path, rule in rules.items() if path != "/*"} == {
        "/assets/a-12345678.wasm": hashed,
        "/assets/index-B4uKx_1Z.js": hashed,
    }
    assert all(len(line) < 2000 for line in text.splitlines())  # as far as Cloudflare Pages reads


def test_the_headers_for_nginx_in_the_documents_are_those_that_are_served():
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    said = dict(re.findall(r'^    add_header (\S+) "(.+)" always;$', text, re.MULTILINE))
    assert said == headers.SECURITY
    assert f'"{headers.FOR_EVER}"' in text
    assert f'"~{headers.HASHED.pattern.replace("^", "^/", 1)}"' in text


def test_the_apps_own_tests_run_under_the_policy_that_is_served():
    server = ROOT / "app" / "e2e" / "server.mjs"
    if not server.exists():
        pytest.skip("the app's sources are not here")
    assert headers.SECURITY["Content-Security-Policy"] in server.read_text(encoding="utf-8")


def test_an_export_writes_over_nothing(static, tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    result = run("--export", out)
    assert result.exit_code == 1
    assert "not empty; name a new folder" in result.output
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").unlink()
    assert run("--export", out).exit_code == 0
    assert run("--export", out / "index.html").exit_code == 1


def test_an_export_that_fails_leaves_nothing(static, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("--export", tmp_path / "file" / "site")
    assert result.exit_code == 1
    assert "cannot write" in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "static"]


# --- served


def started(static, tmp_path, *words):
    """`fastportrait app` in a process of its own, serving `static`; its settings lie in tmp_path."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom fastportrait.serve import frontend\n"
        f"frontend.ready = lambda say: Path({str(static)!r})\n"
        "from fastportrait.cli import main\nmain(['app', *sys.argv[1:]])\n"
    )
    home = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | home,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_says_no_more(static, tmp_path, end):
    pytest.importorskip("uvicorn")
    process = started(static, tmp_path, "--port", "0")
    line = process.stdout.readline()
    url = re.search(r"http://localhost:\d+/", line)
    assert url is not None, line + process.stderr.read()
    with urllib.request.urlopen(url[0], timeout=20) as answer:
        assert answer.read() == b"<!doctype html>the app"
    process.send_signal(end)
    out, err = process.communicate(timeout=20)
    assert (out, err) == ("", "")
    assert process.returncode == (0 if end == signal.SIGINT else -signal.SIGTERM)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_lan_says_where_and_what_to_compare(static, tmp_path):
    pytest.importorskip("uvicorn")
    pytest.importorskip("cryptography")
    process = started(static, tmp_path, "--lan", "--address", "127.0.0.1", "--port", "0")
    said = []
    for line in process.stdout:
        said.append(line)
        if re.fullmatch(r"\s*[0-9A-F]{2}(:[0-9A-F]{2}){31}\n", line):
            break
    else:
        pytest.fail(f"no fingerprint in {said}; {process.stderr.read()}")
    process.kill()
    process.communicate()
    (url,) = set(re.findall(r"https://127\.0\.0\.1:\d+/", "".join(said)))
    assert f"{url}ca" in "".join(said)
    assert "\x1b" not in "".join(said)  # no code of colours into a pipe


def test_a_port_in_use_is_said_with_the_cure(static):
    pytest.importorskip("uvicorn")
    with local.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        result = run("--port", port)
    assert result.exit_code == 1
    assert f"port {port} is in use" in result.output
    assert f"--port {port + 1}" in result.output
    assert result.output.count("\n") == 1


def test_a_missing_package_is_said_with_the_line_to_type(static, monkeypatch):
    monkeypatch.setattr(verb, "find_spec", lambda name: None if name == "uvicorn" else True)
    result = run()
    assert result.exit_code == 1
    assert "this needs uvicorn; run: python -m pip install 'fastportrait[app]'" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--address", "10.0.0.1"), "belongs to --lan"),
        (("--export", "x", "--lan"), "leave --lan away"),
        (("--lan", "--address", "8.8.8.8"), "no address of a private network"),
        (("--lan", "--address", "somewhere"), "does not appear to be an IPv4 or IPv6 address"),
        (("--lan", "--address", "192.168.255.254", "--port", "0"), "no address of this computer"),
    ],
)
def test_what_makes_no_sense_is_refused(static, monkeypatch, tmp_path, words, said):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(verb.click, "get_app_dir", lambda name: str(tmp_path / name))
    result = run(*words)
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output


def test_the_address_in_the_network_is_one_of_this_computer():
    try:
        address = local.lan_address()
    except ValueError:
        pytest.skip("this computer is in no network")
    local.listen(str(address), 0).close()


def test_without_a_network_the_cure_is_said(monkeypatch):
    class Nowhere(local.socket.socket):
        def connect(self, address):
            raise OSError("Network is unreachable")

    monkeypatch.setattr(local.socket, "socket", Nowhere)
    with pytest.raises(ValueError, match="in no network; connect it, or name its address"):
        local.lan_address()


def test_addresses_of_ipv6_stand_in_brackets():
    assert local.url("https", "fd00::1", 8765) == "https://[fd00::1]:8765/"
    assert local.url("https", "10.0.0.1", 8765) == "https://10.0.0.1:8765/"


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("Desk.fritz.box", ["desk.local"]),
        ("my computer", []),
        ("-x", []),
        ("a" * 64, []),
        ("pc-1", ["pc-1.local"]),
    ],
)
def test_only_a_name_that_can_be_one_is_offered(monkeypatch, host, names):
    monkeypatch.setattr(local.socket, "gethostname", lambda: host)
    assert local.local_names() == names


@pytest.mark.parametrize("url", ["https://192.168.178.123:8765/", "https://10.0.0.1:8765/"])
def test_the_code_in_the_terminal_can_be_read(url):
    pytest.importorskip("qrcode")
    import cv2

    from fastportrait.serve.qr import INK, QUIET, RESET, qr

    lines = qr(url).splitlines()
    assert all(
        line.startswith(INK) and line.endswith(RESET) for line in lines
    )  # dark or light, it's the same
    rows = [line.removeprefix(INK).removesuffix(RESET) for line in lines]
    upper = np.array([[glyph in "\u2580\u2588" for glyph in row] for row in rows])
    lower = np.array([[glyph in "\u2584\u2588" for glyph in row] for row in rows])
    dark = np.stack([upper, lower], axis=1).reshape(-1, upper.shape[1])
    assert not dark[:QUIET].any()
    assert not dark[:, :QUIET].any()
    assert not dark[:, -QUIET:].any()
    picture = np.where(dark, 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == url


def test_a_terminal_without_blocks_gets_no_code():
    pytest.importorskip("qrcode")
    from fastportrait.serve.qr import can_show

    assert can_show("utf-8")
    assert can_show("cp437")
    assert not can_show("cp1252")
    assert not can_show("ascii")
    assert not can_show(None)


# --- found or built


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout, and an npm of ours that notes what it is asked for, and "builds" a page."""
    app, package = tmp_path / "app", tmp_path / "src" / "fastportrait"
    (app / "src").mkdir(parents=True)
    package.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "index.html", "src/main.ts"):
        (app / name).write_text("{}")
        os.utime(app / name, (1000, 1000))
    tools = tmp_path / "tools"
    tools.mkdir()
    page = package / "serve" / "static" / "index.html"
    script = f"""#!/bin/sh
echo "$@" >> "{tmp_path}/asked"
if [ "$1" = ci ]; then
    mkdir -p node_modules && echo "{{}}" > node_modules/.package-lock.json
elif [ -e "{tmp_path}/broken" ]; then
    echo broken; exit 1
else
    mkdir -p "{page.parent}" && echo new > "{page}"
fi
"""
    for name, text in (("npm", script), ("node", "#!/bin/sh\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tmp_path


def asked(checkout):
    path = checkout / "asked"
    return path.read_text().splitlines() if path.exists() else []


posix = pytest.mark.skipif(sys.platform == "win32", reason="npm is played by a shell script")


@posix
def test_a_checkout_builds_when_needed_and_only_then(checkout):
    package = checkout / "src" / "fastportrait"
    app, static, said = frontend.sources(package), package / "serve" / "static", []
    assert app == checkout / "app"
    assert frontend.is_stale(app, static)
    frontend.build(app, said.append, static)
    assert asked(checkout) == ["ci --no-audit --no-fund", "run build"]
    assert len(said) == 2
    assert not frontend.is_stale(app, static)
    os.utime(app / "src" / "main.ts")
    os.utime(static / "index.html", (1001, 1001))
    assert frontend.is_stale(app, static)
    frontend.build(app, said.append, static)
    assert asked(checkout)[2:] == ["run build"]  # what builds it is there already


@posix
def test_a_build_that_fails_shows_what_npm_said(checkout):
    (checkout / "broken").touch()
    with pytest.raises(ValueError, match=r"(?s)`npm run build` failed in .*\nbroken"):
        frontend.build(checkout / "app", lambda line: None, checkout / "static")


def test_without_npm_the_cure_is_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"install Node\.js 20\.19 or newer"):
        frontend.build(tmp_path, lambda line: None)


def test_an_installation_without_the_app_names_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(frontend, "STATIC", tmp_path)
    monkeypatch.setattr(frontend, "sources", lambda: None)
    monkeypatch.setattr(frontend, "is_built", lambda: False)
    result = run("--export", tmp_path / "out")
    assert result.exit_code == 1
    assert "built without the phone app" in result.output
    assert "FASTPORTRAIT_BUILD_APP=1" in result.output


# --- the wheel


def hook(root, target="wheel"):
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AppHook(str(root), {}, None, None, str(root / "dist"), target)


@pytest.fixture
def built(checkout, monkeypatch):
    """What the build hook adds to a wheel of the checkout."""
    code = (ROOT / "src/fastportrait/serve/frontend.py").read_text()
    serve = checkout / "src" / "fastportrait" / "serve"
    serve.mkdir()
    (serve / "frontend.py").write_text(code)
    monkeypatch.delenv("FASTPORTRAIT_BUILD_APP", raising=False)

    def artifacts(version="standard"):
        data = {"artifacts": []}
        hook(checkout).initialize(version, data)
        return data["artifacts"]

    return artifacts


@posix
def test_the_hook_builds_the_app_where_npm_is_there(built, checkout):
    assert built() == ["/src/fastportrait/serve/static/**"]
    assert asked(checkout) == ["ci --no-audit --no-fund", "run build"]
    assert built() == ["/src/fastportrait/serve/static/**"]
    assert len(asked(checkout)) == 2  # it is current


@posix
def test_the_hook_leaves_editable_installs_and_the_unwilling_alone(built, checkout, monkeypatch):
    assert built("editable") == []
    monkeypatch.setenv("FASTPORTRAIT_BUILD_APP", "0")
    assert built() == []
    assert asked(checkout) == []
    monkeypatch.setenv("FASTPORTRAIT_BUILD_APP", "yes")
    with pytest.raises(ValueError, match="must be 0, 1 or absent"):
        built()


@posix
def test_without_node_the_wheel_lacks_the_app_unless_it_must_not(built, checkout, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(checkout))
    assert built() == []
    said = capsys.readouterr()
    assert "will lack the phone app" in said.out + said.err
    monkeypatch.setenv("FASTPORTRAIT_BUILD_APP", "1")
    with pytest.raises(ValueError, match="install Node"):
        built()


@pytest.mark.slow
def test_a_wheel_holds_the_built_app_and_one_made_of_the_sdist_too(tmp_path):
    pytest.importorskip("hatchling")
    copy = tmp_path / "copy"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, files.decode().split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    static = copy / "src/fastportrait/serve/static"
    static.mkdir(parents=True)
    (static / "index.html").write_text("built")

    def build(folder, target):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tmp_path / "dist")]
        subprocess.run(command, cwd=folder, check=True, env=os.environ | {"FASTPORTRAIT_BUILD_APP": ""})

    build(copy, "wheel")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        assert file.read("fastportrait/serve/static/index.html") == b"built"
    wheel.unlink()
    build(copy, "sdist")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    import tarfile

    with tarfile.open(sdist) as file:
        file.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    build(unpacked, "wheel")
    with zipfile.ZipFile(wheel) as file:
        assert file.read("fastportrait/serve/static/index.html") == b"built"


def test_nobody_else_s_wasm_is_committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no git here")
    names = listed.stdout.decode().split("\0")
    assert "app/package-lock.json" in names
    assert [name for name in names if name.endswith((".wasm", ".node")) or "node_modules/" in name] == []


def test_the_app_in_this_checkout_keeps_within_what_static_hosts_take():
    if not frontend.is_built():
        pytest.skip("the app is not built")
    names = list(assets.read(frontend.STATIC))
    assert headers.headers_file(names).count("\n/") < 100  # rules, as far as Cloudflare Pages reads
    assert json.loads((frontend.STATIC / "manifest.webmanifest").read_text())["icons"]
