"""How a picture lies in its file (EXIF says so), and turning it upright."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from .arrays import Pixels
from .faults import DECODE_ERRORS
from .pillow_warnings import without_warnings

_ORIENTATION_TAG: Final = 274


def exif_orientation(exif: bytes | None, notes: list[str]) -> int:
    """EXIF's number, 1 to 8, for how the stored picture lies; 1 is upright."""
    if not exif:
        return 1
    tags = Image.Exif()
    try:
        with without_warnings():
            tags.load(exif)
            value = tags.get(_ORIENTATION_TAG, 1)
    except DECODE_ERRORS:
        value = None
    if not isinstance(value, int) or value not in range(9):
        notes.append("its EXIF data is damaged: the picture may need turning")
        return 1
    return value or 1  # some cameras write 0 for "unknown"


def upright(plane: Pixels, orientation: int) -> Pixels:
    """(H, W, ...) turned and mirrored back."""
    if orientation >= 5:
        plane = plane.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(plane[::rows, ::columns])
