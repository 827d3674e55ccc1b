"""JPEG files that were cut, closed again, or made of thousands of scans."""

from __future__ import annotations

import numpy as np
import pytest
from images.pictures import COMPLETE, decoded, encoded, furthest, whole_or_refused
from PIL import Image

from ugatit_cli.errors import RefusedError


@pytest.mark.parametrize("kind", ["jpeg", "restarts"])
def test_a_jpeg_that_was_cut_and_then_closed_is_refused_too(kind: str) -> None:
    data, whole = COMPLETE[kind], decoded(COMPLETE[kind])
    # not in the last of the twelve blocks: zeros are as good as any bits there
    cuts = range(data.index(b"\xff\xda") + 14, len(data) * 5 // 6, 7)
    assert all(whole_or_refused(data[:cut] + b"\xff\xd9", whole) for cut in cuts)


@pytest.mark.parametrize("kind", ["jpeg", "restarts"])
def test_a_jpeg_without_its_end_mark_is_taken_with_a_note(kind: str) -> None:
    data = COMPLETE[kind]
    picture = decoded(data[:-2])
    assert furthest(picture, decoded(data).pixels) == 0
    assert "end mark" in picture.notes[0]


def test_a_jpeg_that_really_ends_in_grey_is_taken() -> None:
    for mode in ("RGB", "L", "CMYK"):
        data = encoded(Image.new("RGB", (40, 40), (128, 128, 128)).convert(mode), "JPEG")
        assert np.abs(decoded(data).pixels.astype(int) - 128).max() <= 2


def test_a_jpeg_of_thousands_of_scans_is_refused_and_a_normal_progressive_one_is_not() -> None:
    data = COMPLETE["progressive"]
    last = data.rindex(b"\xff\xda")
    assert decoded(data).notes == ()
    with pytest.raises(RefusedError, match="scans"):
        decoded(data[:last] + data[last:-2] * 5000 + data[-2:])


def test_a_thumbnail_inside_a_jpeg_does_not_count_as_scans() -> None:
    thumbnails = b"".join(b"\xff\xe5\x10\x02" + b"\xff\xda" * 0x800 for _ in range(3))
    data = COMPLETE["jpeg"]
    assert furthest(decoded(data[:2] + thumbnails + data[2:]), decoded(data).pixels) == 0
