"""examples/native, the parts that need no ncnn, by this machine's compiler: resizing and pictures.

`.ci/native` runs the whole program on an emulated ARM.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fastportrait.transform import resize

SOURCES = Path(__file__).parents[1] / "examples" / "native"
SHIM = """
#include <cstring>
#include <exception>
#include "pictures.h"
#include "resize.h"
using namespace portrait;
template <typename T> void call(const T* in, int h, int w, int c, int nh, int nw, T* out) {
    const auto made = resize(in, h, w, c, nh, nw);
    std::memcpy(out, made.data(), made.size() * sizeof(T));
}
extern "C" {
void resize_bytes(const uint8_t* in, int h, int w, int c, int nh, int nw, uint8_t* out) {
    call(in, h, w, c, nh, nw, out);
}
void resize_floats(const float* in, int h, int w, int c, int nh, int nw, float* out) {
    call(in, h, w, c, nh, nw, out);
}
int copy_grey(const char* from, const char* to) {
    try { write_grey(to, read_picture(from)); return 1; } catch (const std::exception&) { return 0; }
}
int read_into(const char* from, int room, uint8_t* out) {
    try {
        const Picture picture = read_picture(from);
        if (int(picture.pixels.size()) != room) return -1;
        std::memcpy(out, picture.pixels.data(), room);
        return picture.channels;
    } catch (const std::exception&) { return 0; }
}
}
"""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("there is no C++ compiler (g++ or clang++)")
    folder = tmp_path_factory.mktemp("native")
    (folder / "shim.cpp").write_text(SHIM)
    parts = [str(SOURCES / f"{name}.cpp") for name in ("resize", "pictures", "inflate")]
    words = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{SOURCES}"]
    subprocess.run(
        [compiler, *words, str(folder / "shim.cpp"), *parts, "-o", str(folder / "x.so")], check=True
    )
    return ctypes.CDLL(str(folder / "x.so"))


def resized(native: ctypes.CDLL, pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    made = np.empty((*size, *pixels.shape[2:]), pixels.dtype)
    call = native.resize_bytes if pixels.dtype == np.uint8 else native.resize_floats
    call(pixels.ctypes, pixels.shape[0], pixels.shape[1], channels, size[0], size[1], made.ctypes)
    return made


SIZES = [
    ((512, 321), (256, 256)),
    ((300, 200), (256, 256)),
    ((90, 161), (256, 256)),
    ((1280, 1024), (256, 256)),
    ((64, 64), (64, 64)),
    ((1, 7), (5, 1)),
    ((256, 256), (719, 405)),
]


@pytest.mark.parametrize(("from_size", "size"), SIZES)
def test_it_resizes_as_we_do(native: ctypes.CDLL, from_size: tuple[int, int], size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    frame = random.integers(0, 256, (*from_size, 3), np.uint8)
    far = np.abs(resized(native, frame, size).astype(int) - resize(frame, size))
    assert far.max() <= 1
    assert (far > 0).mean() < 0.2  # ties, and OpenCV's fixed-point weights where it grows, round elsewhere
    mask = random.random(from_size, np.float32)
    np.testing.assert_allclose(resized(native, mask, size), resize(mask, size), atol=2e-5)


def read(native: ctypes.CDLL, path: Path, shape: tuple[int, ...]) -> tuple[int, NDArray[np.uint8]]:
    made = np.empty(shape, np.uint8)
    return native.read_into(str(path).encode(), made.size, made.ctypes), made


@pytest.mark.parametrize("compression", [0, 1, 9])
@pytest.mark.parametrize("kind", ["noise", "smooth"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_it_reads_pngs(
    native: ctypes.CDLL, tmp_path: Path, compression: int, kind: str, channels: int
) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (121, 203, channels), np.uint8)
    pixels = noise if kind == "noise" else cv2.GaussianBlur(noise, (0, 0), 5).reshape(noise.shape)
    words = [cv2.IMWRITE_PNG_COMPRESSION, compression]
    cv2.imwrite(
        str(tmp_path / "a.png"), pixels[..., [2, 1, 0, 3][:channels]] if channels > 1 else pixels, words
    )
    seen = min(channels, 3)
    found, made = read(native, tmp_path / "a.png", (121, 203, seen))
    assert found == seen
    assert np.array_equal(made, pixels[..., :seen])


def test_it_reads_ppm_and_writes_grey(native: ctypes.CDLL, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (300, 301, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.ppm"), pixels[..., ::-1])
    found, made = read(native, tmp_path / "a.ppm", pixels.shape)
    assert found == 3
    assert np.array_equal(made, pixels)
    grey = pixels[..., 0]
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    for name in ("b.png", "b.pgm"):
        assert native.copy_grey(str(tmp_path / "grey.png").encode(), str(tmp_path / name).encode())
        assert np.array_equal(np.asarray(cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED)), grey)


def test_it_refuses_what_is_broken(native: ctypes.CDLL, tmp_path: Path) -> None:
    pixels = np.random.default_rng(4).integers(0, 8, (40, 50), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    whole = (tmp_path / "a.png").read_bytes()
    for at in range(len(whole) // 20, len(whole) - 12, 7):  # cut short, and one byte another
        (tmp_path / "cut.png").write_bytes(whole[:at])
        assert read(native, tmp_path / "cut.png", pixels.shape)[0] == 0
        if at > 60:
            (tmp_path / "other.png").write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
            assert read(native, tmp_path / "other.png", pixels.shape)[0] == 0
    (tmp_path / "text.png").write_text("no picture")
    assert read(native, tmp_path / "text.png", pixels.shape)[0] == 0
    assert read(native, tmp_path / "none.png", pixels.shape)[0] == 0
