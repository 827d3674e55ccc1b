"""Pixels of 16 and 32 bits as 8 bits: scaled, never clipped."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from ..errors import BadInputError

# TIFF tags
_BITS: Final = 258
_PHOTOMETRIC: Final = 262


def eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _sixteen_bit_grey(image)
    if image.mode in ("F", "I"):
        return _float_grey(image, notes)
    return image


def _sixteen_bit_grey(image: Image.Image) -> Image.Image:
    """Scaled to 8 bits, L or LA: Pillow's own conversion turns everything above 255 white."""
    tags = getattr(image, "tag_v2", {})
    white = 2 ** tags.get(_BITS, (16,))[0] - 1  # 12-bit scans are stored as they are
    levels = (np.arange(2**16).clip(max=white) * 255 + white // 2) // white
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero
        levels = 255 - levels
    values = np.asarray(image)
    grey = Image.fromarray(levels.astype(np.uint8)[values])
    key = image.info.get("transparency")
    if key is not None:
        grey = Image.merge("LA", (grey, Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))))
    return grey


def _float_grey(image: Image.Image, notes: list[str]) -> Image.Image:
    """32-bit floats from 0 to 1 scaled to 8 bits; of anything else nobody knows what is white."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise BadInputError("some of its pixels are not finite numbers (NaN or infinite)", name="image-not-finite")
    if image.mode != "F" or values.min() < 0 or values.max() > 1:
        kind = "float" if image.mode == "F" else "whole"
        reason = f"its pixels are 32-bit {kind} numbers from {values.min():g} to {values.max():g}: what is white is not known"
        raise BadInputError(reason, hint="scale it to 8 or 16 bits first", name="image-range")
    notes.append("its pixels are 32-bit float numbers: 0 is taken as black and 1 as white")
    return Image.fromarray((values * 255).round().astype(np.uint8))
