"""Pictures to test with, as arrays and as files of every format, and how to look at what was read."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from ugatit_cli import images
from ugatit_cli.errors import BadInputError
from ugatit_cli.images import Picture, Pixels


def photo(width: int = 96, height: int = 64) -> Pixels:
    """Smooth and colourful, with no symmetry, nowhere grey 128."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (40 + 200 * x / width, 30 + 180 * y / height, 120 - 100 * x * y / (width * height))
    return np.stack(channels, axis=-1).astype(np.uint8)


def noise(width: int = 64, height: int = 48) -> Pixels:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def encoded(image: Image.Image | np.ndarray[Any, Any], format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(tags: dict[int, int], pixels: bytes) -> bytes:
    """A directory of whole numbers, and the pixels at byte 8."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


def orientation_tag(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif.tobytes()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
COMPLETE = {
    "jpeg": encoded(noise(), "JPEG"),
    "progressive": encoded(noise(), "JPEG", progressive=True),
    "restarts": encoded(noise(), "JPEG", restart_marker_blocks=2),
    "png": encoded(noise(), "PNG"),
    "webp": encoded(noise(), "WEBP"),
    "gif": encoded(Image.fromarray(noise()).quantize(16), "GIF"),
    "bmp": encoded(noise(), "BMP"),
    "tiff": encoded(noise(), "TIFF"),
    "lzw": encoded(noise(), "TIFF", compression="tiff_lzw"),
    "avif": encoded(noise(), "AVIF"),
}


def decoded(data: bytes) -> Picture:
    return images.decode(data, "x")


def furthest(picture: Picture, expected: Pixels) -> int:
    """The largest difference, in levels of 255."""
    assert picture.pixels.shape == expected.shape
    return int(np.abs(picture.pixels.astype(int) - expected).max())


def whole_or_refused(data: bytes, whole: Picture) -> bool:
    """Whether the bytes are refused; if they are taken, the picture must be the whole one."""
    try:
        picture = decoded(data)
    except BadInputError:
        return True
    assert furthest(picture, whole.pixels) == 0
    return False
