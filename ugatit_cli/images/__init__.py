"""Pictures: hostile bytes in, upright sRGB uint8 arrays out, and back to files that hold nothing but the picture.

Content decides, never the name. Only the formats that `formats` lists are ever opened, so no decoder outside that list
(EPS would start Ghostscript) can be reached. Sizes are judged from the header alone, before anything is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .arrays import Pixels, resize, side_by_side, to_array
from .attention import enlarge_heatmap, heatmap_colours, heatmap_overlay
from .bit_depth import eight_bit
from .colour_profile import apply_profile
from .faults import DECODE_ERRORS, cut_off, damaged, explaining, hit_the_end
from .formats import WRITABLE, sniff
from .limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE, too_large
from .loading import load
from .orientation import exif_orientation, upright
from .regular_file import read_file
from .transparency import put_on_white, split_transparency
from .writing import check_picture, encode

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "WRITABLE",
    "Picture",
    "Pixels",
    "check_picture",
    "decode",
    "encode",
    "enlarge_heatmap",
    "heatmap_colours",
    "heatmap_overlay",
    "read",
    "resize",
    "side_by_side",
]


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (H, W, 3), sRGB, upright; transparent parts are shown on white.
        alpha: uint8 (H, W), 255 = opaque; None if nothing is transparent.
        notes: what the user should know about the reading, a plain sentence each.
        format: what the file was: `JPEG`, `PNG`, `WEBP`, `GIF`, `BMP`, `TIFF` or `AVIF`.
    """

    pixels: Pixels
    alpha: Pixels | None
    notes: tuple[str, ...]
    format: str


def read(path: Path) -> Picture:
    """The picture in a regular file (links are followed; pipes, devices and folders are never opened).

    Raises:
        UsageError: nothing is there.
        BadInputError: not a picture, damaged, cut off, or not readable.
        RefusedError: larger than `limits` allows.
        ResourceError: not enough memory.
    """
    with explaining(str(path)):
        return _decode(read_file(path))


def decode(data: bytes, name: str) -> Picture:
    """The picture in `data`; `name` is what messages call it. Raises like `read`."""
    with explaining(name):
        return _decode(data)


def _decode(data: bytes) -> Picture:
    kind = sniff(data)
    notes: list[str] = []
    try:
        image = load(kind, data, notes)
        orientation = exif_orientation(image.info.get("exif"), notes)
        profile = image.info.get("icc_profile")
        # one name for each stage, so that a stage's memory goes when the next one is there
        image, transparency = split_transparency(eight_bit(image, notes))
        image = apply_profile(image, profile, notes)
        alpha = None if transparency is None else upright(to_array(transparency), orientation)
        pixels = to_array(image)
        del image
        pixels = upright(pixels, orientation)
    except Image.DecompressionBombError as error:
        raise too_large("more pixels than") from error
    except DECODE_ERRORS as error:
        raise cut_off() if hit_the_end(error) else damaged(kind) from error
    if alpha is not None:
        put_on_white(pixels, alpha)
    return Picture(pixels, alpha, tuple(notes), kind)
