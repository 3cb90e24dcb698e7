"""Image files, well and ill: every one gives an upright sRGB frame or one line that says why not."""

import base64
import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from fastportrait.media import images
from fastportrait.media.images import ImageError, encode, read, save, write

RED, BLUE = (200, 30, 30), (20, 60, 220)

# 64 x 48, left half red, right half blue; made with libheif and x265, since nothing we depend on writes HEIC
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004LZDn*}000000000XXk=`10000000000aA{+700000000000000000000B57=IV*mgE"
    "07O6l0RRC200001jQ{}v00000003tI001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01j|zbZr0t000010002#X>f9I0002W"
    "X>en20001XXm(>m0RwOV0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU00093kN^M!000939=ZZRVE_RDDnbDP18@KU0|1Z!00RI3"
    "0{|YNAb|yz>g1-mxCm%4AOHXZ10VnZ0{|gn00967L;=Bbz=;3=02FC+aAg1h0000006+i$06+i$04QT@VQ>Hd06+i$0096105AXm00961"
    "0000000RI2|L_0+00IC201$9#cxeCt0009B2nYZG02gU+ZD9Za00000009621c3qsg8%>kZ*62@bN~PVV<-Wy3E(*+B)|XqF~9%#MxI0V"
    "xrM=h`|hRp_-sl4``H&!U6p$50u^pHI!qVDsU6Wf3m?f}4)jEOWC{Br`%ze%Hs@i&;+!~MinozVZlntJM1ca<C&2%$dbHSFWah+h"
)


def halves(width: int = 64, height: int = 48) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def is_halves(frame: NDArray[np.uint8], tolerance: int = 12) -> bool:
    middle = frame.shape[1] // 2
    left, right = frame[:, : middle - 8].astype(int), frame[:, middle + 8 :].astype(int)
    return bool(np.abs(left - RED).max() <= tolerance and np.abs(right - BLUE).max() <= tolerance)


def png(width: int, height: int, *, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand: what Pillow does not write, or lies."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_every_format_gives_the_same_picture(kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    frame, alpha = read(saved(halves(), kind, quality=95))
    assert frame.shape == (48, 64, 3)
    assert frame.dtype == np.uint8
    assert is_halves(frame)
    assert alpha is None


def test_heic_is_read():
    assert is_halves(read(HEIC).frame, tolerance=24)


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "really.png"
    path.write_bytes(saved(halves(), "JPEG"))
    assert is_halves(read(path).frame)


def test_a_stream_is_read():
    assert is_halves(read(io.BytesIO(saved(halves(), "PNG"))).frame)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_come_out_upright(orientation, kind):
    stored = {  # what a camera writes so that the viewer's turn gives the upright picture
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = halves()
    upright.paste((250, 250, 250), (0, 0, 16, 16))  # so that no two turns look the same
    image = upright.transpose(stored[orientation]) if orientation in stored else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    frame = read(saved(image, kind, exif=exif, quality=95)).frame
    assert frame.shape == (48, 64, 3)
    assert np.abs(frame.astype(int) - np.asarray(upright)).mean() < 6


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + b"II*\0\x08\0\0\0" * 9]
)
def test_broken_exif_does_not_lose_the_picture(exif):
    assert is_halves(read(saved(halves(), "JPEG", exif=exif, quality=95)).frame)


def test_display_p3_becomes_srgb():
    """sRGB red is (234, 51, 35) in Display P3: the same red, so it must come out as (255, 0, 0)."""
    profile = _display_p3()
    source, target = ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile))
    wide = ImageCms.profileToProfile(Image.new("RGB", (32, 32), (255, 0, 0)), source, target)
    assert np.abs(np.asarray(wide)[0, 0].astype(int) - (234, 51, 35)).max() <= 2
    for kind in ("PNG", "JPEG", "TIFF"):
        frame = read(saved(wide, kind, icc_profile=profile, quality=98)).frame
        assert np.abs(frame[16, 16].astype(int) - (255, 0, 0)).max() <= 4


def _display_p3() -> bytes:
    """An ICC profile from numbers: the primaries of P3 adapted to D50, the tone curve of sRGB."""
    s15 = lambda *v: struct.pack(f">{len(v)}i", *(round(x * 65536) for x in v))  # noqa: E731
    description = b"Display P3 of the tests"
    curve = (
        b"para" + bytes(4) + struct.pack(">HH", 3, 0) + s15(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    )
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(description) + 1) + description + bytes(1 + 78),
        b"wtpt": b"XYZ " + bytes(4) + s15(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ " + bytes(4) + s15(0.51512, 0.24120, -0.00105),
        b"gXYZ": b"XYZ " + bytes(4) + s15(0.29198, 0.69225, 0.04189),
        b"bXYZ": b"XYZ " + bytes(4) + s15(0.15710, 0.06657, 0.78407),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    header = (
        struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    )
    header += bytes(28) + s15(0.9642, 1.0, 0.8249) + bytes(48)
    return header[:128] + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 200])
def test_a_broken_profile_is_passed_over(profile):
    assert is_halves(read(saved(halves(), "PNG", icc_profile=profile)).frame)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(kind):
    frame = read(saved(halves().convert("CMYK"), kind, quality=95)).frame
    assert is_halves(frame, tolerance=20)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind):
    deep = np.array([[0, 257, 128 * 257, 65535]], np.uint16).repeat(4, 0)
    frame = read(saved(Image.fromarray(deep), kind)).frame
    assert frame[0, :, 0].tolist() == [0, 1, 128, 255]


def test_sixteen_bit_colour_is_scaled():
    rows = b"".join(b"\0" + struct.pack(">6H", 0, 32768, 65535, 65535, 257, 0) for _ in range(2))
    frame = read(png(2, 2, depth=16, colour=2, rows=rows)).frame
    assert frame[0].tolist() == [[0, 128, 255], [255, 1, 0]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_white_are_refused(mode):
    with pytest.raises(ImageError, match=r"32-bit pixels.*8 or 16 bits"):
        read(saved(Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_bilevel_and_palette_become_rgb(mode):
    frame, alpha = read(saved(Image.new("L", (8, 8), 255).convert(mode), "PNG"))
    assert frame.shape == (8, 8, 3)
    assert frame.min() == 255
    assert alpha is None


def test_transparency_of_a_palette_is_alpha():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([*RED, *BLUE])
    image.paste(0, (0, 0, 4, 8))
    frame, alpha = read(saved(image, "PNG", transparency=0))
    assert frame[0, 7].tolist() == list(BLUE)
    assert alpha is not None
    assert alpha[0].tolist() == [0] * 4 + [255] * 4


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (10, 20, 30, 77)), ("LA", (10, 77))])
def test_alpha_of_a_picture_is_kept_apart_from_its_colours(mode, colour):
    frame, alpha = read(saved(Image.new(mode, (4, 4), colour), "PNG"))
    assert frame[0, 0, 0] == 10
    assert alpha is not None
    assert alpha[0, 0] == 77


def test_alpha_that_is_opaque_is_none():
    assert read(saved(Image.new("RGBA", (4, 4), (1, 2, 3, 255)), "PNG")).alpha is None


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind):
    second = Image.new("RGB", (64, 48), (0, 255, 0))
    frame = read(
        saved(halves(), kind, save_all=True, append_images=[second], duration=50, lossless=True)
    ).frame
    assert is_halves(frame)


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_smallest_and_the_longest(size, kind):
    assert read(saved(Image.new("RGB", size), kind)).frame.shape == (size[1], size[0], 3)


def _damaged() -> dict[str, bytes]:
    """Name -> bytes that are no whole picture."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    kinds = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", *(["AVIF"] if features.check("avif") else [])]
    whole = {kind: saved(Image.fromarray(noise), kind) for kind in kinds} | {"HEIC": HEIC}
    progressive = saved(Image.fromarray(noise), "JPEG", progressive=True)
    cut = {
        f"{kind} cut at {tenth}0 %": data[: len(data) * tenth // 10]
        for kind, data in (whole | {"progressive JPEG": progressive}).items()
        for tenth in range(1, 10)
    }
    return cut | {
        "nothing": b"",
        "one byte": b"\xff",
        "text": b"Dear photo,\n" * 40,
        "HTML": b"<!doctype html><title>404</title>",
        "zeros": bytes(4096),
        "noise": bytes(noise),
        "a JPEG's first marker and noise": b"\xff\xd8\xff\xe0" + bytes(noise),
        "an end without a beginning": b"\xff\xd8" + bytes(noise)[:500] + b"\xff\xd9",
        "HEIF's brand and noise": b"\0\0\0\x18ftypheic" + bytes(noise),
        "AVIF's brand and noise": b"\0\0\0\x18ftypavif" + bytes(noise),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "a PNG without data": png(8, 8, depth=8, colour=2, rows=b""),
        "a PNG of no width": png(0, 8, depth=8, colour=2, rows=b"\0" * 8),
        "an endless comment": b"\xff\xd8\xff\xfe\xff\xff" + b"a" * 100,
    }


@pytest.mark.parametrize(
    ("name", "data"), _damaged().items(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_damaged_or_no_image_is_one_clear_line(name, data):
    with pytest.raises(ImageError) as caught:
        read(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(("is empty", "is damaged", "is not a readable image"))


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: png(60000, 60000, depth=8, colour=2, rows=b"\0" * 100),
    "BMP": lambda: _forged(saved(halves(), "BMP"), 18, struct.pack("<ii", 60000, 60000)),
    "GIF": lambda: _forged(saved(halves(), "GIF"), 6, struct.pack("<HH", 60000, 60000)),
    "JPEG": lambda: _forged_jpeg(saved(halves(), "JPEG")),
}


def _forged(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _forged_jpeg(data: bytes) -> bytes:
    return _forged(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", 60000, 60000))


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_by_its_header(kind):
    with pytest.raises(ImageError, match=r"60000 x 60000, 3600 megapixels; the limit is 120 \(raise it with"):
        read(BOMBS[kind]())


def test_the_limit_can_be_raised_and_lowered():
    data = saved(halves(100, 100), "PNG")
    with pytest.raises(ImageError, match=r"the limit is 0\.009999"):
        read(data, max_pixels=9_999)
    assert read(data, max_pixels=10_000).frame.shape == (100, 100, 3)


def test_pillows_own_limit_is_left_as_it_was(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    read(saved(halves(100, 100), "PNG"))
    with pytest.raises(ImageError):
        read(b"garbage")
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_a_large_file_is_refused_unread(monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    with pytest.raises(ImageError, match="larger than"):
        read(io.BytesIO(bytes(200)))


def test_a_folder_is_not_a_picture(tmp_path):
    with pytest.raises(ImageError, match="not a file"):
        read(tmp_path)


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".TIFF"])
def test_transparency_survives_the_file(ending, tmp_path):
    pixels = np.full((48, 64, 4), 255, np.uint8)
    pixels[:, :32, 3] = 0
    pixels[:, :, :3] = RED
    write(tmp_path / f"a{ending}", pixels)
    frame, alpha = read(tmp_path / f"a{ending}")
    assert alpha is not None
    assert np.array_equal(alpha, pixels[..., 3])
    assert np.abs(frame[:, 40:].astype(int) - RED).max() <= 12


@pytest.mark.parametrize("ending", images.WRITES)
@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3)])
def test_grey_and_colour_are_written_to_every_format(ending, shape):
    pixels = np.asarray(halves().convert("L" if len(shape) == 2 else "RGB"))
    frame = read(encode(pixels, ending)).frame.astype(int)
    wanted = pixels if len(shape) == 3 else pixels[..., None]
    assert np.abs(frame - wanted)[:, :20].max() <= 12


def test_jpeg_says_what_to_do_about_transparency():
    with pytest.raises(ImageError, match=r"transparency.*\.png, \.webp or \.tif.*--background"):
        encode(np.zeros((4, 4, 4), np.uint8), ".jpg")


def test_an_unknown_ending_names_the_known_ones():
    with pytest.raises(ImageError, match=r"\.bmp.*\.png \.webp"):
        encode(np.zeros((4, 4, 3), np.uint8), ".bmp")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        save(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_heif_is_not_needed_to_refuse_what_is_none():
    """In a fresh process, where no HEIC has been read yet."""
    code = """
import sys
from fastportrait.media.images import ImageError, read
try:
    read(b"Dear photo")
except ImageError as error:
    assert "not a readable image" in str(error), error
assert "pi_heif" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
