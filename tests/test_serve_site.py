"""The app's server: the right headers, nothing but the app's files, and no surprises in its errors."""

import base64
import gzip
import hashlib
import re

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient

from fastportrait.serve import assets, headers, pages
from fastportrait.serve.site import site, takes_gzip
from served import ask, served

SCRIPT = b"export const answer = 42;\n" * 200


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small app, beside a secret that must stay one."""
    top = tmp_path_factory.mktemp("top")
    (top / "secret.txt").write_text("secret")
    static = top / "static"
    (static / "assets").mkdir(parents=True)
    for name, data in {
        "index.html": b"<!doctype html><title>The app</title>",
        "sw.js": b"self.addEventListener('fetch', () => {})",
        "manifest.webmanifest": b"{}",
        "portrait.json": b'{"schema": "portrait/1"}',
        "assets/index-B4uKx_1Z.js": SCRIPT,
        "assets/ort-wasm-a1B2c3D4.wasm": b"\0asm" + bytes(4000),
        "assets/ort-a1B2c3D4.mjs": b"export {}",
        "small.onnx": bytes(range(256)) * 8,
        "small.tflite": bytes(range(256)),
        "icon.png": b"\x89PNG" + bytes(4000),
        ".hidden": b"hidden",
        "_headers": b"/*",
    }.items():
        (static / name).write_bytes(data)
    (static / "link.txt").symlink_to(top / "secret.txt")
    return static


@pytest.fixture(scope="module")
def client(built):
    with TestClient(site(assets.read(built)), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def port(built):
    """A real server, to which bytes go as they are."""
    with served(site(assets.read(built))) as port:
        yield port


def test_the_front_page_is_the_index(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert "The app" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("assets/ort-wasm-a1B2c3D4.wasm", "application/wasm"),
        ("assets/ort-a1B2c3D4.mjs", "text/javascript; charset=utf-8"),
        ("assets/index-B4uKx_1Z.js", "text/javascript; charset=utf-8"),
        ("sw.js", "text/javascript; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("portrait.json", "application/json"),
        ("small.onnx", "application/octet-stream"),
        ("small.tflite", "application/octet-stream"),
        ("icon.png", "image/png"),
    ],
)
def test_a_file_has_the_type_that_browsers_ask_for(client, built, name, kind):
    answer = client.get(f"/{name}")
    assert answer.content == (built / name).read_bytes()
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize("path", ["/", "/assets/ort-wasm-a1B2c3D4.wasm", "/nothing", "/ca"])
def test_every_answer_says_what_a_page_may_do(client, path):
    answer = client.get(path)
    for name, value in headers.SECURITY.items():
        if name != "Content-Security-Policy":
            assert answer.headers[name] == value
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(("default-src 'self'", "default-src 'none'"))
    assert "'unsafe-" not in policy
    assert "http" not in policy  # no site but ours


def test_the_app_may_compile_webassembly_and_use_the_camera_and_no_more(client):
    answer = client.get("/")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert answer.headers["Permissions-Policy"].startswith("camera=(self), ")
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_servers_own_pages_match_their_policy():
    digest = re.search(r"style-src '(sha256-[^']+)'", pages.policy())
    style = re.search(rb"<style>(.*?)</style>", pages.error(404, "/"), re.DOTALL)
    assert digest is not None
    assert style is not None
    assert digest[1] == "sha256-" + base64.b64encode(hashlib.sha256(style[1]).digest()).decode()


def test_names_with_a_hash_are_kept_for_ever_and_others_are_asked_for(client):
    for name in ("assets/index-B4uKx_1Z.js", "assets/ort-wasm-a1B2c3D4.wasm"):
        assert client.get(f"/{name}").headers["cache-control"] == "public, max-age=31536000, immutable"
    for name in ("", "sw.js", "manifest.webmanifest", "portrait.json", "small.onnx"):
        assert client.get(f"/{name}").headers["cache-control"] == "no-cache"


def test_what_the_browser_has_is_not_sent_again(client):
    first = client.get("/sw.js")
    again = client.get("/sw.js", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == "no-cache"
    assert client.get("/sw.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_text_and_wasm_are_sent_in_gzip_to_whom_takes_it(client, built):
    for name in ("assets/index-B4uKx_1Z.js", "assets/ort-wasm-a1B2c3D4.wasm"):
        plain = client.get(f"/{name}", headers={"Accept-Encoding": "identity"})
        small = client.get(f"/{name}", headers={"Accept-Encoding": "br, gzip"})
        assert small.headers["content-encoding"] == "gzip"
        assert int(small.headers["content-length"]) < len(plain.content) / 10
        assert small.content == plain.content == (built / name).read_bytes()  # the client unpacks
        assert small.headers["etag"] != plain.headers["etag"]
        assert small.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in plain.headers
        kept = client.get(f"/{name}", headers={"If-None-Match": small.headers["etag"]})
        assert kept.status_code == 304
    assert "content-encoding" not in client.get("/icon.png", headers={"Accept-Encoding": "gzip"}).headers


def test_gzip_is_only_for_those_who_allow_it():
    assert takes_gzip("gzip")
    assert takes_gzip("deflate, GZIP;q=0.5")
    assert not takes_gzip("br")
    assert not takes_gzip("gzip;q=0, br")
    assert not takes_gzip("gzip; q=0.000")
    assert not takes_gzip("")


def test_gzip_of_the_same_file_is_the_same(built):
    one, two = (assets.read(built)["assets/index-B4uKx_1Z.js"] for _ in range(2))
    assert one.gzipped is not None
    assert one.gzipped == two.gzipped
    assert gzip.decompress(one.gzipped) == SCRIPT


def test_head_is_get_without_the_content(client):
    head, get = client.head("/sw.js"), client.get("/sw.js")
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/sw.js", "/ca", "/nothing"])
def test_only_get_and_head_are_answered(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert "GET and HEAD" in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/assets", "/assets/", "/index.html/", "/.hidden", "/link.txt"])
def test_what_is_not_of_the_app_is_not_there_in_words(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "index-B4uKx" not in answer.text  # no list of what there is


def test_an_error_shows_an_address_as_text_not_as_html(client):
    answer = client.get("/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%252e%252e%252fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "///etc/passwd",
        "/C:/Windows/win.ini",
        "/sw.js%00.txt",
        "/assets/./index-B4uKx_1Z.js",
        "/_headers",
        "/file:///etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_app(port, path):
    answer = ask(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret" not in answer.replace(b"secret.txt", b"")
    assert b"root:" not in answer


def test_the_server_does_not_name_its_software(port):
    answer = ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"uvicorn" not in answer


def test_a_folder_without_an_index_is_no_app(tmp_path):
    with pytest.raises(ValueError, match=r"no index\.html"):
        assets.read(tmp_path)
