"""Transparency, which is kept beside the colours; under it they are shown on white."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from .arrays import STRIP_ROWS, Pixels
from .colour_profile import PROFILE_MODES

_GREY: Final = {"1", "L", "LA"}  # modes whose colours can have a grey profile


def split_transparency(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """(the colours in a mode that a profile can speak of, L transparency or None if all is opaque)."""
    grey = image.mode in _GREY
    if not image.has_transparency_data:
        return (image if image.mode in PROFILE_MODES.values() else image.convert("L" if grey else "RGB")), None
    wanted = "LA" if grey else "RGBA"
    if image.mode != wanted:
        image = image.convert(wanted)
    alpha = image.getchannel("A")
    colours = image.getchannel("L") if grey else image.convert("RGB")
    return colours, (None if alpha.getextrema() == (255, 255) else alpha)


def put_on_white(pixels: Pixels, alpha: Pixels) -> None:
    """In place: what is hidden under transparency can be any colour."""
    for top in range(0, len(pixels), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        opacity = alpha[rows, :, None].astype(np.uint16)
        pixels[rows] = (pixels[rows] * opacity + 255 * (255 - opacity) + 127) // 255


def taken_off_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """The colours that look like `pixels` on white where `alpha` hides a part of them: the way back from `put_on_white`."""
    colours = np.empty_like(pixels)
    for top in range(0, len(pixels), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        opacity = alpha[rows, :, None].astype(np.int32)
        shown = 255 * (pixels[rows] + opacity - 255)
        colours[rows] = np.where(opacity == 0, 255, (shown + opacity // 2) // opacity.clip(min=1)).clip(0, 255)
    return colours
