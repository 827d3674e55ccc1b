"""PNG chunks that lie, and those that never get to be inflated."""

from __future__ import annotations

import zlib

import pytest
from images.pictures import COMPLETE, SRGB, chunk, decoded, encoded, furthest, noise

from ugatit_cli.errors import BadInputError


@pytest.mark.parametrize("at", ["IHDR", "IDAT"])
def test_a_wrong_png_checksum_is_named(at: str) -> None:
    data = bytearray(COMPLETE["png"])
    data[data.index(at.encode()) + 12] ^= 1
    with pytest.raises(BadInputError, match=f"checksum of its {at}"):
        decoded(bytes(data))


def test_text_behind_and_around_a_png_is_never_inflated() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(32 << 20), 9))
    data = encoded(noise(), "PNG")
    middle = data.index(b"IDAT") - 4
    picture = decoded(data[:middle] + bomb + data[middle:-12] + bomb + data[-12:] + b"PK\x03\x04 and so on")
    assert furthest(picture, noise()) == 0
    assert picture.notes == ()


@pytest.mark.parametrize("body", [b"", b"no end of name", b"icc\0\7" + zlib.compress(SRGB), b"icc\0\0not deflated"])
def test_a_malformed_png_profile_costs_a_note_and_no_pixels(body: bytes) -> None:
    data = encoded(noise(), "PNG")
    picture = decoded(data[:33] + chunk(b"iCCP", body) + data[33:])
    assert furthest(picture, noise()) == 0
    assert any("colour profile" in note for note in picture.notes)
