"""Frames as single picture files, which animations and folders are put together from."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final, Literal

import numpy as np
from PIL import Image

from .. import images
from .frames import Pixels
from .scaling import resized
from .segments import Record

StillFormat = Literal["gif", "png", "webp", "jpg"]
QUALITY: Final = 90
TRANSPARENT: Final = 255  # a GIF's colour number
OPAQUE_FROM: Final = 128


@dataclass(frozen=True)
class StillEncoder:
    """The same interface as `encoding.VideoEncoder`.

    Attributes:
        transparent: whether every picture gets an alpha channel, as those of one animation must be alike.
    """

    format: StillFormat
    width: int
    height: int
    transparent: bool

    def push(self, pixels: Pixels, alpha: Pixels | None, pts: int, duration: int) -> list[Record]:
        """uint8 (H, W, 3) of any size, and the transparency of the size that was promised."""
        pixels = resized(pixels, self.width, self.height)
        if self.format == "gif":
            data = _gif(pixels, alpha)
        else:
            if alpha is None and self.transparent:
                alpha = np.full(pixels.shape[:2], 255, np.uint8)
            data = images.encode(pixels, format=self.format, quality=QUALITY, alpha=alpha)
        return [Record(pts, duration, True, data)]

    def finish(self) -> list[Record]:
        return []


def _gif(pixels: Pixels, alpha: Pixels | None) -> bytes:
    """Colours of its own for every frame; transparency is yes or no."""
    picture = Image.fromarray(pixels).quantize(TRANSPARENT)
    buffer = BytesIO()
    if alpha is None:
        picture.save(buffer, "GIF", interlace=False)
    else:
        numbers = np.array(picture)
        numbers[alpha < OPAQUE_FROM] = TRANSPARENT
        palette = picture.getpalette() or []
        picture = Image.fromarray(numbers)
        picture.putpalette(palette + [0] * (3 * 256 - len(palette)))
        picture.save(buffer, "GIF", transparency=TRANSPARENT, optimize=False, interlace=False)
    return buffer.getvalue()
