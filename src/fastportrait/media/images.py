"""Image files as arrays: untrusted bytes to an upright sRGB frame, and arrays to files that are whole.

What a file is, is decided by its content, never by its name. Timings below: 12 megapixels, one x86 core.
"""

import io
import os
import secrets
import threading
import warnings
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

Array8 = NDArray[np.uint8]

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
"""Pillow's names of the formats that are read. An allow-list: each decoder is a surface for attacks."""

ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"),
    *(".tif", ".tiff", ".heic", ".heif", ".hif", ".avif"),
)
"""Names that a search through a folder takes for pictures, in lower case."""

WRITES = (".png", ".webp", ".tif", ".tiff", ".jpg", ".jpeg")
OPAQUE = (".jpg", ".jpeg")

MAX_PIXELS = 120_000_000
"""Enough for the 108 megapixels of phones and the 102 of medium format."""

MAX_BYTES = 1 << 30


class ImageError(ValueError):
    """A picture that cannot be read or written; the message is one line and goes after the file's name."""


class Picture(NamedTuple):
    frame: Array8
    """(H, W, 3) RGB, upright, sRGB."""
    alpha: Array8 | None
    """(H, W) where the file had transparency; the colours under it are as the file had them."""


def read(source: str | Path | bytes | BinaryIO, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """The first frame of an image file, given by its path, its bytes or a binary stream.

    Raises ImageError for anything that is not a whole, readable picture within `max_pixels`, whatever the
    decoder had to say about it, and OSError where a path cannot be opened.
    """
    data = _bytes(source)
    if not data:
        raise ImageError("is empty (0 bytes)")
    try:
        return _decode(data, max_pixels)
    except ImageError:
        raise
    except UnidentifiedImageError:
        kinds = ", ".join(KINDS)
        raise ImageError(f"is not a readable image: cut off, damaged, or none of {kinds}") from None
    except Exception as error:  # decoders of hostile bytes raise anything, struct.error and KeyError included
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"is damaged: {reason}") from error


def _bytes(source: str | Path | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | Path):
        if Path(source).exists() and not Path(source).is_file():  # a device may never end
            raise ImageError("is not a file")
        with open(source, "rb") as file:
            return _bytes(file)
    data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"is larger than {MAX_BYTES >> 20} MiB")
    return data


# Pillow's pixel limit and Python's warning filters belong to the whole process: one thread at a time.
_PILLOW = threading.Lock()


def _decode(data: bytes, max_pixels: int) -> Picture:
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about broken metadata of a picture that is itself good
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # ours is below, and can be raised
        try:
            with _open(data) as image:
                width, height = image.size
                if width * height > max_pixels:
                    raise ImageError(
                        f"is {width} x {height}, {width * height / 1e6:.0f} megapixels; the limit is "
                        f"{max_pixels / 1e6:g} (raise it with --max-megapixels, in Python max_pixels)"
                    )
                plain = _is_plain_jpeg(image, data)
                if not plain:
                    image.load()
                profile = image.info.get("icc_profile")
                frame, alpha = (None, None) if plain else _pixels(image, profile)
                orientation = _orientation(image)  # after load(): TIFF and HEIF turn themselves
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    if frame is None:
        # 52 ms; Pillow takes 122 for the same pixels, most of them from its four bytes a pixel to three
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if decoded is None or decoded.shape != (height, width, 3):
            raise ImageError("is damaged: the JPEG data cannot be decoded")
        frame = _to_srgb(np.asarray(decoded, np.uint8), profile)
    return Picture(_upright(frame, orientation), None if alpha is None else _upright(alpha, orientation))


def _open(data: bytes) -> Image.Image:
    if data[4:8] != b"ftyp":
        return Image.open(io.BytesIO(data), formats=[kind for kind in KINDS if kind not in ("HEIF", "AVIF")])
    import pi_heif  # only these two pay for it

    pi_heif.register_heif_opener(thumbnails=False)
    return Image.open(io.BytesIO(data), formats=["HEIF", "AVIF"])


def _is_plain_jpeg(image: Image.Image, data: bytes) -> bool:
    """Whether OpenCV decodes it as Pillow does. A cut-off file goes to Pillow, which notices."""
    ends = data.rstrip(b"\0").endswith(b"\xff\xd9")
    return ends and image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")


def _pixels(image: Image.Image, profile: bytes | None) -> tuple[Array8, Array8 | None]:
    """Any of Pillow's modes as RGB, (H, W, 3), and alpha, (H, W), or None where all is opaque."""
    if image.mode.startswith("I;16"):
        deep = np.asarray(image)
        grey = np.rint(deep.astype(np.float32) / 257).astype(np.uint8)  # Pillow's own conversion clips
        clear = image.info.get("transparency")
        alpha = None if clear is None else np.where(deep == clear, 0, 255).astype(np.uint8)
        return np.dstack([grey] * 3), alpha
    if image.mode in ("I", "F"):
        raise ImageError("has 32-bit pixels and does not say which value is white; save it with 8 or 16 bits")
    if image.mode in ("CMYK", "LAB"):
        return np.asarray(_managed(image, profile)), None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        four = np.asarray(image.convert("RGBA"))
        rgb, alpha = np.ascontiguousarray(four[..., :3]), np.ascontiguousarray(four[..., 3])
        return _to_srgb(rgb, profile), None if alpha.min() == 255 else alpha
    return _to_srgb(np.asarray(image.convert("RGB")), profile), None


def _managed(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK or Lab as sRGB: by the file's profile, else by the plain formula."""
    lab = ImageCms.createProfile("LAB") if image.mode == "LAB" else None
    try:
        source = lab or ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    return converted or image.convert("RGB")


def _to_srgb(frame: Array8, profile: bytes | None) -> Array8:
    """RGB (H, W, 3) from the colours of an ICC profile to sRGB: 160 ms, so not where it is sRGB already.

    A profile that is broken or not for RGB (some editors leave a grey one) is passed over, as browsers do.
    """
    if not profile:
        return frame
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != "RGB" or "sRGB" in ImageCms.getProfileDescription(source):
            return frame
        image = Image.fromarray(frame)
        ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), inPlace=True)
    except (ImageCms.PyCMSError, OSError):
        return frame
    return np.asarray(image)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken EXIF, in any of the ways that EXIF breaks: the picture itself is good
        return 1


def _upright(pixels: Array8, orientation: int) -> Array8:
    """EXIF orientation 1 to 8 undone, in at most 18 ms (Pillow 30, a NumPy copy 82)."""
    match orientation:
        case 2:
            turned = cv2.flip(pixels, 1)
        case 3:
            turned = cv2.rotate(pixels, cv2.ROTATE_180)
        case 4:
            turned = cv2.flip(pixels, 0)
        case 5:
            turned = cv2.transpose(pixels)
        case 6:
            turned = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            turned = cv2.flip(cv2.transpose(pixels), -1)
        case 8:
            turned = cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            turned = pixels
    return np.asarray(turned, np.uint8)


def check_ending(ending: str, *, transparent: bool) -> str:
    """`ending` in lower case if a picture can be written under it; ImageError with the cure if not."""
    ending = ending.lower()
    if ending not in WRITES:
        raise ImageError(f"cannot be written with the ending {ending!r}; use one of {' '.join(WRITES)}")
    if transparent and ending in OPAQUE:
        raise ImageError(
            "cannot hold transparency, being a JPEG; write .png, .webp or .tif, or choose a --background"
        )
    return ending


def encode(pixels: Array8, ending: str) -> bytes:
    """(H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA as the bytes of a file; `ending` is one of WRITES."""
    ending = check_ending(ending, transparent=pixels.ndim == 3 and pixels.shape[2] == 4)
    if ending == ".webp" and max(pixels.shape[:2]) > 16383:
        raise ImageError("is too large for WebP (at most 16383 pixels a side); write .png or .tif")
    if ending == ".png":
        # RGBA: 240 to 300 ms, where Pillow's fastest takes 480 to 710 and OpenCV with all filters 490 to 570
        settings = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]
        settings += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
        done, data = cv2.imencode(".png", _bgr(pixels), settings)
        if not done:
            raise ImageError("could not be encoded as PNG")
        return bytes(data)
    buffer, image = io.BytesIO(), Image.fromarray(pixels)
    match ending:
        case ".webp":  # method 2: 420 ms, the default 4: 680
            image.save(buffer, "WEBP", quality=90, method=2)
        case ".tif" | ".tiff":  # LZW: 470 ms, deflate: 1320
            image.save(buffer, "TIFF", compression="tiff_lzw")
        case _:
            image.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _bgr(pixels: Array8) -> Array8:
    if pixels.ndim == 2:
        return pixels
    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return np.asarray(cv2.cvtColor(pixels, order), np.uint8)


def write(path: str | Path, pixels: Array8) -> None:
    """`encode` into a file that is whole or absent: written beside `path`, then renamed onto it."""
    path = Path(path)
    save(path, encode(pixels, path.suffix))


def save(path: Path, data: bytes) -> None:
    part = path.parent / f".{secrets.token_hex(6)}.part"
    try:
        with open(part, "xb") as file:  # not mkstemp, whose files nobody else may read
            file.write(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
