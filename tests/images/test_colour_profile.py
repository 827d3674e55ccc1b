"""Colour profiles are obeyed; one that cannot be costs a note and no pixels."""

from __future__ import annotations

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
