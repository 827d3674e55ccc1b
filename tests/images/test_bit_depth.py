"""Deep pixels are scaled and never clipped, or refused where nobody knows what is white."""

from __future__ import annotations

import numpy as np
import pytest
from images.pictures import decoded, encoded, furthest, png, tiff

from ugatit_cli.errors import BadInputError


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(format: str) -> None:
    ramp = np.tile(np.arange(0, 65536, 64, dtype=np.uint16), (4, 1))
    expected = np.repeat((ramp / 257).round()[..., None], 3, axis=2).astype(np.uint8)
    assert furthest(decoded(encoded(ramp, format)), expected) == 0


def test_sixteen_bit_grey_with_white_as_zero() -> None:
    ramp = np.tile(np.arange(0, 65536, 256, dtype=np.uint16), (2, 1))
    data = encoded(ramp, "TIFF", tiffinfo={262: 0})
    assert (decoded(data).pixels[0, [0, -1], 0] == [255, 1]).all()


def test_sixteen_bit_colour() -> None:
    ramp = np.stack([np.linspace(0, 65535, 64)] * 3, axis=-1).astype(">u2")
    picture = decoded(png(64, 2, 16, 2, (b"\0" + ramp.tobytes()) * 2))
    assert np.abs(picture.pixels[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1


def test_twelve_bit_grey_is_scaled_by_its_own_white() -> None:
    tags = {256: 2, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 3}
    picture = decoded(tiff(tags, b"\xff\xf8\x00"))  # 4095, 2048
    assert picture.pixels[0, :, 0].tolist() == [255, 128]


def test_floats_from_zero_to_one_are_scaled_with_a_note() -> None:
    picture = decoded(encoded(np.tile(np.linspace(0, 1, 64, dtype=np.float32), (4, 1)), "TIFF"))
    assert (picture.pixels[0, [0, -1], 0] == [0, 255]).all()
    assert "float" in picture.notes[0]


@pytest.mark.parametrize("bad", [np.float32(2.0), np.float32(-0.5), np.float32("nan"), np.float32("inf")])
def test_floats_of_which_nobody_knows_the_white_are_refused(bad: np.float32) -> None:
    values = np.full((8, 8), 0.5, np.float32)
    values[3, 3] = bad
    with pytest.raises(BadInputError, match=r"float|finite"):
        decoded(encoded(values, "TIFF"))


def test_whole_numbers_of_32_bits_are_refused_and_not_black() -> None:
    with pytest.raises(BadInputError, match="32-bit whole"):
        decoded(encoded(np.full((8, 8), 70000, np.int32), "TIFF"))
