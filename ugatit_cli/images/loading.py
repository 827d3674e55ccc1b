"""From bytes to the first frame: which loader is whose, and the one for formats that need no care of their own."""

from __future__ import annotations

from PIL import Image

from .faults import cut_off
from .header import open_header
from .jpeg import load_jpeg
from .notes import ANIMATED
from .png import load_png
from .tiff import load_tiff


def load(kind: str, data: bytes, notes: list[str]) -> Image.Image:
    """The first frame, decoded, in the file's own mode and orientation."""
    if kind == "JPEG":
        return load_jpeg(data, notes)
    if kind == "PNG":
        return load_png(data, notes)
    if kind == "TIFF":
        return load_tiff(data, notes)
    if kind == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise cut_off()
    image = open_header(kind, data)
    # a GIF forgets its first frame when it is asked for the second: ask a copy
    if getattr(open_header(kind, data) if kind == "GIF" else image, "is_animated", False):
        notes.append(ANIMATED)
    image.load()
    return _opaque(image) if kind == "BMP" else image


def _opaque(image: Image.Image) -> Image.Image:
    """Programs that know no transparency leave the byte for it at 0 in every pixel of a BMP: nothing is meant to be hidden."""
    unused = image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)
    return image.convert("RGB") if unused else image
