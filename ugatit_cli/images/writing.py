"""Pixels to a file's bytes, and the check that a file just written opens again."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from ..errors import OutputError, UgatitError, UsageError
from .arrays import Pixels
from .faults import DECODE_ERRORS
from .formats import WRITABLE, sniff
from .header import read_header
from .transparency import taken_off_white

_WITHOUT_ALPHA: Final = {"JPEG", "BMP"}
_AVIF_SIDE: Final = 32_768  # libavif writes longer ones, and does not read them


def encode(pixels: Pixels, *, format: str, quality: int, alpha: Pixels | None = None) -> bytes:
    """A file's bytes: the picture and nothing else (no EXIF, no position, no profile: sRGB is what readers assume).

    Args:
        pixels: uint8 (H, W, 3).
        format: a key of `WRITABLE`, in any case: `png`, `jpg` ...
        quality: 1 to 100, for the lossy formats (JPEG, WebP, AVIF).
        alpha: uint8 (H, W), for pixels that are shown on white under it, as `read` gives them and translations of them are;
            formats without transparency show them on that white.

    Raises:
        UsageError: a format this program does not write.
        OutputError: the format cannot hold the picture (WebP ends at 16383 pixels a side).
    """
    kind = WRITABLE.get(format.lower())
    if kind is None:
        raise UsageError(
            f"cannot write {format} files", hint=f"choose one of {', '.join(WRITABLE)}", name="format-unknown"
        )
    image = Image.fromarray(pixels if alpha is None else _with_alpha(pixels, alpha, kind))
    buffer = BytesIO()
    try:
        if kind == "AVIF" and max(image.size) > _AVIF_SIDE:
            raise ValueError(f"more than {_AVIF_SIDE} pixels a side")
        image.save(buffer, kind, **_save_options(kind, quality))
    except (OSError, ValueError) as error:
        reason = f"a picture of {image.width} x {image.height} does not fit into {'an' if kind == 'AVIF' else 'a'} {kind} file"
        raise OutputError(reason, hint="choose png", name="format-limit") from error
    return buffer.getvalue()


def _with_alpha(pixels: Pixels, alpha: Pixels, kind: str) -> Pixels:
    if kind in _WITHOUT_ALPHA:
        return np.maximum(pixels, 255 - alpha[..., None])  # as light as the white is that comes through
    return np.dstack([taken_off_white(pixels, alpha), alpha])


def _save_options(kind: str, quality: int) -> dict[str, Any]:
    if kind == "JPEG":  # from 90 on, nobody asked for halved colour resolution
        return {"quality": quality, "subsampling": "4:4:4" if quality >= 90 else "4:2:0"}
    if kind in ("WEBP", "AVIF"):
        return {"quality": quality}
    if kind == "PNG":  # runs only: as small as with all of zlib's search, four times as fast
        return {"compress_level": 1, "compress_type": zlib.Z_RLE}
    return {"compression": "tiff_deflate"} if kind == "TIFF" else {}


def check_picture(path: Path, size: tuple[int, int]) -> None:
    """Refuse a file just written that does not open again with `size` (width, height), which is limited by its format alone.

    Raises:
        OutputError: it does not.
    """
    data = path.read_bytes()
    try:
        found = read_header(sniff(data), data).size
    except (UgatitError, *DECODE_ERRORS) as error:
        raise OutputError(f"the file just written does not open again: {error}", name="output-damaged") from error
    if found != size:
        raise OutputError(f"the file just written has size {found}, not {size}", name="output-damaged")
