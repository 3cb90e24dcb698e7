"""`fastportrait serve`: a picture in, its cut-out or mask out; everything else is refused in words."""

import asyncio
import http.client
import io
import json
import os
import re
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("httpx2")

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from fastportrait import Segmenter, composite, cut
from fastportrait.cli import main
from fastportrait.serve import forms
from fastportrait.serve.api import Limits, api
from fastportrait.serve.counts import Counts
from served import ask, served


def small_photo():
    """The demo portrait at 256 x 256."""
    file = io.BytesIO()
    photo = Image.open(Path(__file__).parents[1] / "examples" / "astronaut.jpg")
    photo.resize((256, 256), Image.Resampling.BOX).save(file, "JPEG", quality=95)
    return file.getvalue()


PHOTO = small_photo()


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(threads=1)


@pytest.fixture(scope="module")
def client(segmenter):
    with TestClient(api(segmenter, Limits()), base_url="http://127.0.0.1:8766") as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    return np.asarray(Image.open(io.BytesIO(PHOTO)).convert("RGB"))


def pixels(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def png(width, height, data=b""):
    """A PNG that claims a size, whatever `data` holds."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_a_posted_picture_comes_back_cut_out_as_python_does_it(client, frame):
    answer = client.post("/cut", content=PHOTO)
    assert np.abs(pixels(answer).astype(int) - cut(frame)).max() <= 2  # OpenCV's JPEG against Pillow's
    assert answer.headers["x-person"] == "yes"
    assert float(answer.headers["x-presence"]) > 0.9


def test_a_mask_is_grey_and_white_where_the_person_is(client, frame):
    mask = pixels(client.post("/mask", content=PHOTO))
    assert mask.shape == frame.shape[:2]
    assert mask[150:250, 75:150].mean() > 230
    assert mask[:50, 200:].mean() < 25


def test_a_form_with_a_file_is_as_good_as_the_picture_itself(client):
    plain = client.post("/cut", content=PHOTO)
    files = {"note": (None, "not a file"), "picture": ("me.jpg", PHOTO, "image/jpeg")}
    assert client.post("/cut", files=files).content == plain.content


def test_a_background_takes_the_place_of_transparency(client, segmenter, frame):
    answer = client.post("/cut?background=%232a6f97", content=PHOTO)
    expected = composite(frame, segmenter(frame), (0x2A, 0x6F, 0x97))
    assert np.abs(pixels(answer).astype(int) - expected).max() <= 4
    assert pixels(client.post("/cut?background=2a6f97", content=PHOTO)).shape == frame.shape
    assert pixels(client.post("/cut?background=blur", content=PHOTO)).shape == frame.shape


def test_where_nobody_is_all_is_transparent_and_it_says_so(client):
    grey = io.BytesIO()
    Image.new("RGB", (64, 48), (120, 120, 120)).save(grey, "PNG")
    answer = client.post("/cut", content=grey.getvalue())
    assert not pixels(answer)[..., 3].any()
    assert answer.headers["x-person"] == "no"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/cut", b"", 400, "the body is empty"),
        ("/cut?background=red", PHOTO, 400, "must be transparent, blur or RRGGBB"),
        ("/cut?backround=blur", PHOTO, 400, "no parameter 'backround'"),
        ("/mask?background=blur", PHOTO, 400, "no parameter 'background'"),
        ("/cut", b"not a picture", 422, "the picture is not a readable image"),
        ("/cut", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "not a readable image"),
        ("/cut", PHOTO[: len(PHOTO) // 2], 422, "the picture is"),
        ("/cut", png(50_000, 50_000), 422, "2500 megapixels; the limit is 25"),
        ("/cut", png(100, 100), 422, "the picture is"),
    ],
    ids=["empty", "colour", "misspelt", "mask", "text", "svg", "cut off", "bomb", "no pixels"],
)
def test_what_cannot_be_done_is_said_in_json(client, path, body, status, said):
    answer = client.post(path, content=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/cut", 405), ("GET", "/", 404), ("PUT", "/mask", 405)]
)
def test_an_unknown_call_is_told_what_there_is(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert "POST /cut, POST /mask" in answer.json()["error"]


def test_a_body_beyond_the_limit_is_refused_announced_or_not(segmenter):
    with served(api(segmenter, Limits(bytes=1 << 20))) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(
            "POST", "/cut", bytes(3_900_000)
        )  # more than a socket holds: it is read to its end
        said = json.loads((answer := connection.getresponse()).read())
        assert (answer.status, said["error"]) == (413, "the body is larger than 1 MiB")
        connection.close()
        connection.request("POST", "/cut", iter([bytes(600_000), bytes(600_000)]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        assert connection.getresponse().status == 413
        connection.close()


def test_a_body_that_does_not_arrive_is_given_up(segmenter):
    with served(api(segmenter, Limits(upload_s=0.05))) as port:
        answer = ask(port, b"POST /cut HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.05 s" in answer


class Held(Segmenter):
    """Holds every picture until it is let go."""

    def __init__(self):
        super().__init__(threads=1)
        self.began, self.go = threading.Semaphore(0), threading.Event()

    def mask(self, frame):
        self.began.release()
        assert self.go.wait(20)
        return super().mask(frame)


def post(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/cut", PHOTO)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_who_comes_when_all_is_full_is_told_to_come_again(segmenter):
    held = Held()
    with served(api(held, Limits(workers=1, queue=0))) as port:
        first = []
        thread = threading.Thread(target=lambda: first.append(post(port)))
        thread.start()
        assert held.began.acquire(timeout=20)
        answer, body = post(port)
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "1"
        assert "too many pictures at once" in json.loads(body)["error"]
        held.go.set()
        thread.join()
        assert first[0][0].status == 200
        assert post(port)[0].status == 200  # the place is free again


def test_who_waits_too_long_for_a_turn_is_told_so():
    held = Held()
    with served(api(held, Limits(workers=1, queue=1, wait_s=0.05))) as port:
        thread = threading.Thread(target=post, args=[port])
        thread.start()
        assert held.began.acquire(timeout=20)
        answer, body = post(port)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "no turn came within 0.05 s" in json.loads(body)["error"]
        held.go.set()
        thread.join()
        assert post(port)[0].status == 200


@pytest.mark.parametrize("path", ["/cut", "/mask"])
def test_pages_of_other_sites_cannot_use_it(client, path):
    for headers, status in (
        ({"Host": "evil.example"}, 421),  # a name that was made to lead here
        ({"Host": "evil.example:8766"}, 421),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ):
        answer = client.post(path, content=PHOTO, headers=headers)
        assert answer.status_code == status, headers
        assert "access-control-allow-origin" not in answer.headers
    for host in ("localhost:8766", "127.0.0.1", "[::1]:8766", "[::1]", "LOCALHOST"):
        assert client.post(path, content=b"", headers={"Host": host}).status_code == 400


def test_any_name_will_do_where_it_serves_others_too(segmenter):
    with TestClient(api(segmenter, Limits(), hosts=None), base_url="http://cut.example") as client:
        assert client.get("/health").status_code == 200


def test_health_names_the_model(client, segmenter):
    assert client.get("/health").json() == {"status": "ok", "model": segmenter.engine.name, "inside": 0}


def test_metrics_count_what_was_asked(segmenter):
    with TestClient(api(segmenter, Limits()), base_url="http://localhost") as client:
        client.post("/mask", content=PHOTO)
        client.post("/mask", content=b"no picture")
        text = client.get("/metrics").text
    assert 'fastportrait_requests_total{path="/mask",status="200"} 1\n' in text
    assert 'fastportrait_requests_total{path="/mask",status="422"} 1\n' in text
    assert "fastportrait_seconds_count 1\n" in text
    assert "fastportrait_inside 0\n" in text


def test_metrics_are_what_prometheus_reads():
    counts = Counts()
    counts.answered("/cut", 200, 0.2)
    counts.answered("/cut", 200, 3.0)
    counts.answered("/cut", 429, 9.0)
    text = counts.text(inside=1)
    sample = r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \d+(\.\d+)?'
    assert all(re.fullmatch(rf"# TYPE [a-z_]+ \w+|{sample}", line) for line in text.splitlines())
    buckets = dict(re.findall(r'bucket\{le="([^"]+)"\} (\d+)', text))
    assert (buckets["0.1"], buckets["0.25"], buckets["2.5"], buckets["5.0"], buckets["+Inf"]) == (
        "0",
        "1",
        "1",
        "2",
        "2",
    )
    assert "fastportrait_seconds_sum 3.200000\n" in text


FORM = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.jpg"\r\n\r\n%b\r\n--x--\r\n'


@pytest.mark.parametrize("data", [b"\xff\xd8\r\n--y\r\n\r\n\x00", b"\r\n", b"\n\r\n"])
def test_a_file_in_a_form_keeps_every_byte(data):
    assert forms.picture(FORM % data, "multipart/form-data; boundary=x") == data
    assert forms.picture(FORM % data, 'Multipart/Form-Data; charset=utf-8; boundary="x"') == data


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (FORM % b"", "multipart/form-data; boundary=x", "the file in this form is empty"),
        (FORM % b"data", "multipart/form-data", "no boundary"),
        (FORM % b"data", "multipart/form-data; boundary=z", "cut off"),
        (FORM[:-6] % b"data", "multipart/form-data; boundary=x", "cut off"),
        (FORM.replace(b"filename", b"other") % b"1", "multipart/form-data; boundary=x", "holds no file"),
    ],
)
def test_a_form_without_a_file_is_refused_with_the_cure(body, kind, said):
    with pytest.raises(ValueError, match=said):
        forms.picture(body, kind)


@given(
    st.binary(max_size=300), st.sampled_from(["", "-x", "--x", "--x--", "\r\n--x"]), st.binary(max_size=20)
)
def test_no_form_makes_more_than_a_picture_or_an_error(start, mark, end):
    for body in (start + mark.encode() + end, FORM[:20] + start + mark.encode() + FORM[20:] + end):
        try:
            assert forms.picture(body, "multipart/form-data; boundary=x") in body
        except ValueError as error:
            assert str(error)  # noqa: PT017


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read as Linux tells it")
def test_memory_stays_flat_over_many_requests(client):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    for count in (50, 300):
        before = resident()
        for number in range(count):
            body = PHOTO if number % 5 else PHOTO[:1000]
            assert client.post("/cut", content=body).status_code == (200 if number % 5 else 422)
    assert resident() - before < 30  # MB in the last 300, of which each has 2 MB in hand


def test_many_at_once_are_all_answered(client):
    async def all_of_them():
        return await asyncio.gather(
            *(asyncio.to_thread(client.post, "/mask", content=PHOTO) for _ in range(4))
        )

    masks = [pixels(answer) for answer in asyncio.run(all_of_them())]
    assert all((mask == masks[0]).all() for mask in masks)


def test_a_model_that_is_not_there_is_said_before_anything_is_served():
    result = CliRunner().invoke(main, ["serve", "--model", "nothing", "--port", "0"])
    assert result.exit_code == 1
    assert "nothing" in result.output
    assert "Traceback" not in result.output
