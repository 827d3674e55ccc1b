"""TIFF: camera raw files, several pages and gigantic tiles hide in it."""

from __future__ import annotations

from typing import Final

from PIL import Image

from ..errors import BadInputError
from .header import open_header
from .limits import check_size
from .pillow_warnings import without_warnings

# tags
_SUBFILE_TYPE: Final = 254
_PREVIEW: Final = 1  # a value of the tag above
_TILE_WIDTH: Final = 322
_TILE_LENGTH: Final = 323
_DNG_VERSION: Final = 50706


def load_tiff(data: bytes, notes: list[str]) -> Image.Image:
    image = open_header("TIFF", data)
    tags = image.tag_v2  # type: ignore[attr-defined]
    if data[8:10] == b"CR" or _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE) == _PREVIEW:
        # camera raw files are TIFFs whose first picture is a thumbnail
        raise BadInputError(
            "it is a camera raw file, which is not supported",
            hint="develop it to JPEG or PNG first",
            name="image-unsupported",
        )
    check_size(tags.get(_TILE_WIDTH, 1), tags.get(_TILE_LENGTH, 1))  # a tile is decoded whole, picture or not
    if image.is_animated:  # type: ignore[attr-defined]
        notes.append("it has several pages: only the first is used")
    with without_warnings():  # its orientation is read, and applied, at the end of loading
        image.load()
    return image
