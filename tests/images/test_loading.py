"""The first frame of every format: whole, or refused; cut anywhere, and with bytes changed at random."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images.pictures import COMPLETE, chunk, decoded, encoded, furthest, photo, whole_or_refused
from PIL import Image

from ugatit_cli.errors import BadInputError, RefusedError


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_used_and_that_is_said(format: str) -> None:
    first, second = Image.fromarray(photo()), Image.fromarray(255 - photo())
    if format == "GIF":
        first, second = first.quantize(128), second.quantize(128)
    options = {"lossless": True} if format == "WEBP" else {"quality": 95}
    picture = decoded(encoded(first, format, save_all=True, append_images=[second], **options))
    assert furthest(picture, np.asarray(first.convert("RGB"))) <= 12
    assert len(picture.notes) == 1
    assert "first" in picture.notes[0]


def bitmap_with_masks(alphas: list[int]) -> bytes:
    """A 32-bit BMP, one row of (250, 20, 30), with masks for red, green, blue and alpha."""
    pixels = b"".join(bytes([30, 20, 250, alpha]) for alpha in alphas)
    header = struct.pack("<IiiHHIIiiII", 56, len(alphas), 1, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return b"BM" + struct.pack("<IHHI", 70 + len(pixels), 0, 0, 70) + header + masks + pixels


@pytest.mark.parametrize(("alphas", "read"), [([0, 0], None), ([0, 255], [[0, 255]]), ([255, 255], None)])
def test_a_bmp_whose_every_alpha_is_0_is_opaque(alphas: list[int], read: list[list[int]] | None) -> None:
    picture = decoded(bitmap_with_masks(alphas))
    assert (None if picture.alpha is None else picture.alpha.tolist()) == read
    assert picture.pixels[0, 1].tolist() == [250, 20, 30]


@pytest.mark.parametrize("kind", sorted(COMPLETE))
def test_a_picture_cut_anywhere_is_whole_or_refused(kind: str) -> None:
    data, whole = COMPLETE[kind], decoded(COMPLETE[kind])
    cuts = {*range(0, len(data), max(1, len(data) // 150)), *range(len(data) - 20, len(data))}
    refused = [whole_or_refused(data[:cut], whole) for cut in sorted(cuts)]
    assert sum(refused) >= len(cuts) - 6  # taken only where nothing but the end mark is missing


def with_right_checksums(data: bytes) -> bytes:
    """A mutated PNG whose checksums say nothing is wrong, so that the damage reaches the decoder."""
    position, out = 8, [data[:8]]
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4])
        out.append(chunk(data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return b"".join(out)


@settings(max_examples=500)
@given(st.sampled_from(sorted(COMPLETE)), st.data())
def test_mutated_files_are_pictures_or_understandable_errors(kind: str, data: st.DataObject) -> None:
    mutated = bytearray(COMPLETE[kind])
    header = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(mutated), 300 if header else len(mutated)) - 1))
        mutated[at] = data.draw(st.integers(0, 255))
    raw = bytes(mutated)
    try:
        picture = decoded(with_right_checksums(raw) if kind == "png" else raw)
    except (BadInputError, RefusedError) as error:
        assert error.message.startswith("cannot read x: ") and error.name.startswith("image-")
    else:
        assert picture.pixels.dtype == np.uint8 and picture.pixels.shape[2:] == (3,)
