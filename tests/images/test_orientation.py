"""Every orientation of every format is turned upright, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from images.pictures import decoded, encoded, furthest, orientation_tag, photo

STORED = {  # how a picture is stored that EXIF's number turns upright
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_deflate"}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_every_orientation_of_every_format_is_turned_once(number: int, format: str, options: dict[str, Any]) -> None:
    stored = np.ascontiguousarray(STORED[number](photo()))
    picture = decoded(encoded(stored, format, exif=orientation_tag(number), **options))
    assert furthest(picture, photo()) <= 12
    assert picture.notes == ()


def test_transparency_is_turned_too() -> None:
    rgba = np.dstack([photo(), photo()[..., 0]])
    data = encoded(np.ascontiguousarray(np.rot90(rgba)), "PNG", exif=orientation_tag(6))
    picture = decoded(data)
    assert picture.alpha is not None
    assert (picture.alpha == photo()[..., 0]).all()


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0garbage", orientation_tag(6)[:20], orientation_tag(77)])
def test_broken_exif_costs_a_note_and_no_pixels(exif: bytes) -> None:
    picture = decoded(encoded(photo(), "JPEG", exif=exif, quality=95))
    assert furthest(picture, photo()) <= 12
    assert all("EXIF" in note for note in picture.notes)
