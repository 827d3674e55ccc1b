"""Every format and mode comes back right, and what is no picture is called by its name."""

from __future__ import annotations

import numpy as np
import pytest
from images.pictures import decoded, encoded, furthest, noise, photo
from PIL import Image

from ugatit_cli.errors import BadInputError


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_exactly(format: str) -> None:
    picture = decoded(encoded(noise(), format))
    assert furthest(picture, noise()) == 0
    assert (picture.format, picture.alpha, picture.notes) == (format, None, ())
    assert picture.pixels.flags.writeable and picture.pixels.flags.c_contiguous


@pytest.mark.parametrize(("format", "limit"), [("JPEG", 12), ("WEBP", 12), ("AVIF", 12)])
def test_lossy_formats_come_back_nearly(format: str, limit: int) -> None:
    picture = decoded(encoded(photo(), format, quality=95))
    assert furthest(picture, photo()) <= limit
    assert (picture.format, picture.notes) == (format, ())


def test_gif_and_palette_png() -> None:
    palette = Image.fromarray(photo()).quantize(64)
    expected = np.asarray(palette.convert("RGB"))
    assert furthest(decoded(encoded(palette, "GIF")), expected) == 0
    assert furthest(decoded(encoded(palette, "PNG")), expected) == 0
    assert furthest(decoded(encoded(palette, "BMP")), expected) == 0


@pytest.mark.parametrize("mode", ["L", "1"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_grey_and_black_and_white(mode: str, format: str) -> None:
    image = Image.fromarray(photo()).convert(mode)
    assert furthest(decoded(encoded(image, format)), np.asarray(image.convert("RGB"))) == 0


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk(format: str) -> None:
    image = Image.fromarray(photo()).convert("CMYK")
    assert furthest(decoded(encoded(image, format)), photo()) <= 12


def test_lab() -> None:
    image = Image.fromarray(photo()).convert("LAB")
    assert furthest(decoded(encoded(image, "TIFF")), np.asarray(image.convert("RGB"))) <= 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, this is not an image\n", "not an image"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b'<?xml version="1.0"?>\n<!-- -->\n<svg xmlns="x"/>', "SVG"),
        (b"%PDF-1.4\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
        (b"8BPS\0\1", "Photoshop"),
        (b"PK\x03\x04....", "ZIP"),
        (b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
        (b"BMW makes cars and not bitmaps", "not an image"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        decoded(data)
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_only_listed_formats_are_ever_opened() -> None:
    for format in ("ICO", "PCX", "PPM", "TGA", "SGI", "EPS", "PDF", "JPEG2000", "DDS", "QOI"):
        try:
            data = encoded(photo(32, 32), format)
        except (OSError, KeyError, ValueError):
            continue
        with pytest.raises(BadInputError):
            decoded(data)
