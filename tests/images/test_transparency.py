"""Transparency of every kind is handed on, and white shows under it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from images.pictures import chunk, decoded, encoded, furthest, noise, photo, png
from PIL import Image


@pytest.mark.parametrize(
    ("key", "colour", "depth"),
    [((255, 0, 1), 2, 8), ((65535, 0, 257), 2, 16), ((5, 6, 255), 2, 16), ((4660,), 0, 16)],
)
def test_a_transparent_colour_becomes_alpha(key: tuple[int, ...], colour: int, depth: int) -> None:
    sample, other = ("B", 100) if depth == 8 else ("H", 1000)
    row = b"\0" + struct.pack(f">{len(key)}{sample}", *key) + struct.pack(f">{len(key)}{sample}", *([other] * len(key)))
    picture = decoded(png(2, 1, depth, colour, row, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]
    assert picture.pixels[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("depth", "row", "key", "alpha"),
    [
        (1, 0b0100_0000, 1, [255, 0]),
        (2, 0b00_01_10_11, 3, [255, 255, 255, 0]),
        (2, 0b00_01_10_11, 1, [255, 0, 255, 255]),
        (4, 0b0000_1111, 15, [255, 0]),
        (4, 0b0101_0000, 5, [0, 255]),
    ],
)
def test_a_transparent_grey_of_few_bits(depth: int, row: int, key: int, alpha: list[int]) -> None:
    data = png(len(alpha), 1, depth, 0, bytes([0, row]), chunk(b"tRNS", struct.pack(">H", key)))
    picture = decoded(data)
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [alpha]


def test_transparency_is_shown_on_white_and_handed_on() -> None:
    image = Image.new("RGBA", (3, 1), (200, 100, 50, 255))
    image.putpixel((1, 0), (0, 255, 0, 0))  # the hidden colour must not come through
    image.putpixel((2, 0), (0, 0, 0, 128))
    for format in ("PNG", "WEBP", "TIFF"):
        picture = decoded(encoded(image, format, lossless=True))
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [[255, 0, 128]]
        assert picture.pixels.tolist() == [[[200, 100, 50], [255, 255, 255], [127, 127, 127]]]


def test_grey_with_transparency() -> None:
    picture = decoded(encoded(Image.new("LA", (2, 2), (0, 51)), "PNG"))
    assert picture.alpha is not None
    assert (picture.alpha == 51).all()
    assert (picture.pixels == 204).all()


def test_a_palette_with_an_opacity_for_each_colour() -> None:
    image = Image.fromarray(photo()).quantize(4)
    picture = decoded(encoded(image, "PNG", transparency=bytes([0, 85, 170, 255])))
    assert picture.alpha is not None
    assert (picture.alpha == np.asarray(image) * 85).all()


def test_an_alpha_channel_that_hides_nothing_is_no_transparency() -> None:
    picture = decoded(encoded(Image.fromarray(noise()).convert("RGBA"), "PNG"))
    assert picture.alpha is None
    assert furthest(picture, noise()) == 0
