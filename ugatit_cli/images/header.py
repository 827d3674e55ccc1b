"""The header, from which a size is judged before anything is decoded."""

from __future__ import annotations

from io import BytesIO

from PIL import ImageFile

from .formats import READERS
from .limits import check_size
from .pillow_warnings import without_warnings


def open_header(kind: str, data: bytes) -> ImageFile.ImageFile:
    """As `read_header` does it, for strangers' files.

    Raises:
        RefusedError: it claims more pixels than the limits allow.
    """
    image = read_header(kind, data)
    check_size(*image.size)
    return image


def read_header(kind: str, data: bytes) -> ImageFile.ImageFile:
    """The header is read, nothing is decoded."""
    with without_warnings():
        return READERS[kind](BytesIO(data))
