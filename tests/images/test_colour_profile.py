"""Colour profiles are obeyed; one that cannot be costs a note and no pixels."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from images.pictures import SRGB, decoded, encoded, furthest, noise, photo
from PIL import Image


def red_and_blue_exchanged() -> bytes:
    """The sRGB profile with the entries of the red and the blue primary exchanged in its table."""
    profile = bytearray(SRGB)
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(profile[128:132]), 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_a_colour_profile_is_obeyed() -> None:
    image = Image.new("RGB", (8, 8), (250, 20, 30))
    picture = decoded(encoded(image, "PNG", icc_profile=red_and_blue_exchanged()))
    assert np.abs(picture.pixels[4, 4].astype(int) - (30, 20, 250)).max() <= 2
    assert picture.notes == ()


def test_a_colour_profile_is_obeyed_under_transparency_and_in_a_palette() -> None:
    rgba = Image.new("RGBA", (8, 8), (250, 20, 30, 254))
    for image in (rgba, rgba.convert("RGB").quantize(4)):
        picture = decoded(encoded(image, "PNG", icc_profile=red_and_blue_exchanged()))
        assert np.abs(picture.pixels[4, 4].astype(int) - (30, 20, 250)).max() <= 3


def linear_grey() -> bytes:
    """A profile of grey levels that are amounts of light: white, a curve of exponent 1, and a name."""

    def tag(signature: bytes, data: bytes) -> tuple[bytes, bytes]:
        return signature, data.ljust(-(-len(data) // 4) * 4, b"\0")

    white = struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1, 0.8249)))
    tags = [
        tag(b"wtpt", b"XYZ \0\0\0\0" + white),
        tag(b"kTRC", b"curv\0\0\0\0" + struct.pack(">IH", 1, 256)),
        tag(b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(78)),
        tag(b"cprt", b"text\0\0\0\0none\0"),
    ]
    table, body = struct.pack(">I", len(tags)), b""
    for signature, data in tags:
        table += signature + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data
    size = struct.pack(">I", 128 + len(table) + len(body))
    kind = b"\2\x40\0\0mntrGRAYXYZ " + struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp"
    return (size + bytes(4) + kind + bytes(28) + white).ljust(128, b"\0") + table + body


@pytest.mark.parametrize("kind", ["L", "LA", "L and a transparent grey", "16 bits and a transparent grey"])
def test_a_grey_profile_is_obeyed(kind: str) -> None:
    """An eighth of the light is the level 99 of sRGB."""
    grey = Image.new("L", (8, 8), 32)
    options = {"transparency": 3} if "transparent" in kind else {}
    if kind == "LA":
        grey.putalpha(200)
    elif kind.startswith("16"):
        grey = Image.fromarray(np.full((8, 8), 32 * 257, np.uint16))
    picture = decoded(encoded(grey, "PNG", icc_profile=linear_grey(), **options))
    expected = (99 * 200 + 255 * 55) / 255 if kind == "LA" else 99
    assert np.abs(picture.pixels - expected).max() <= 1
    assert picture.notes == ()
    assert (picture.alpha is None) == (kind != "LA")


@pytest.mark.parametrize("options", [{}, {"transparency": 0}])
def test_a_grey_profile_of_black_and_white(options: dict[str, int]) -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    picture = decoded(encoded(image, "PNG", icc_profile=linear_grey(), **options))
    assert picture.pixels[0, :, 0].tolist() == ([255, 255] if options else [0, 255])
    assert picture.notes == ()


def test_the_srgb_profile_changes_next_to_nothing() -> None:
    assert furthest(decoded(encoded(noise(), "PNG", icc_profile=SRGB)), noise()) <= 1
    grey = Image.fromarray(noise()).convert("L")
    assert furthest(decoded(encoded(grey, "PNG", icc_profile=SRGB)), np.asarray(grey.convert("RGB"))) <= 1


@pytest.mark.parametrize("profile", [b"\0" * 128, SRGB[:200], b"x" * 5_000_000], ids=["zeros", "cut off", "huge"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_profile_that_cannot_be_used_costs_a_note_and_no_pixels(profile: bytes, format: str) -> None:
    options = {"quality": 95} if format == "JPEG" else {"lossless": True}
    picture = decoded(encoded(photo(), format, icc_profile=profile, **options))
    assert furthest(picture, photo()) <= 12
    assert any("colour profile" in note for note in picture.notes)


def test_the_profile_of_another_kind_of_picture_is_ignored_with_a_note() -> None:
    picture = decoded(encoded(Image.fromarray(photo()).convert("CMYK"), "JPEG", icc_profile=SRGB))
    assert furthest(picture, photo()) <= 12
    assert any("colour profile" in note for note in picture.notes)
