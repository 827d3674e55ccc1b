"""What hides in TIFF files."""

from __future__ import annotations

import zlib

import pytest
from images.pictures import decoded, encoded, photo, tiff
from PIL import TiffImagePlugin

from ugatit_cli.errors import BadInputError, RefusedError


def test_a_camera_raw_file_is_not_taken_for_its_thumbnail() -> None:
    for tags in ({50706: b"\1\4\0\0"}, {254: 1}):
        info = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, value in tags.items():
            info[tag] = value
        with pytest.raises(BadInputError, match="camera raw"):
            decoded(encoded(photo(), "TIFF", tiffinfo=info))


def test_a_small_tiff_of_one_gigantic_tile_is_refused() -> None:
    tile = zlib.compress(bytes(1 << 20))
    tags = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 322: 16, 323: 16, 324: 8, 325: len(tile)}
    assert (decoded(tiff(tags, tile)).pixels == 0).all()
    with pytest.raises(RefusedError, match="pixels"):
        decoded(tiff({**tags, 322: 32_000, 323: 32_000}, tile))
