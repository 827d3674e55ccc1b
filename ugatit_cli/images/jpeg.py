"""JPEG: libjpeg fills in what is missing without a word, so whether all is there is found out here."""

from __future__ import annotations

import hashlib
import random
import re
from typing import Final

from PIL import Image

from ..errors import RefusedError
from .arrays import strips
from .faults import cut_off
from .header import open_header
from .limits import MAX_PARTS, MAX_SCANS

_SEGMENT: Final = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")
_END_MARK: Final = b"\xff\xd9"
# noise for a decoder that still waits for data: enough for many blocks, as some lie below the picture's edge, and
# again behind every restart mark, as one that waits for such a mark skips all else
_NOISE: Final = random.Random(0).randbytes(1024).replace(b"\xff", b"\xfe")
_FILLER: Final = _NOISE + b"".join(b"\xff%c" % mark + _NOISE for mark in range(0xD0, 0xD8))


def load_jpeg(data: bytes, notes: list[str]) -> Image.Image:
    scans, end = _layout(data)
    if scans > MAX_SCANS:
        reason = f"it has more than {MAX_SCANS} scans and would take a very long time"
        raise RefusedError(reason, hint="open it in an image editor and save it again", name="image-scan-bomb")
    has_end = end < len(data)
    if not has_end and scans != 1:  # how many more scans there were, nobody can know
        raise cut_off()
    whole = data if has_end else data + _END_MARK
    image = _decode(whole)
    if not has_end or _ends_in_grey(image):
        del image
        if not _is_complete(whole, end):
            raise cut_off()
        image = _decode(whole)
    if not has_end:
        notes.append("its end mark is missing, but all pixels are there")
    return image


def _decode(data: bytes) -> Image.Image:
    image = open_header("JPEG", data)
    image.load()
    return image


def _layout(data: bytes) -> tuple[int, int]:
    """How many scans there are, and where the end mark is (the length of `data` if it is missing)."""
    scans, position = 0, 2
    for _ in range(MAX_PARTS):
        # inside a scan, 0xFF is followed by 0 or a restart mark: the next other one starts a segment
        match = _SEGMENT.search(data, position)
        if match is None:
            return scans, len(data)
        mark, position = match.group()[1], match.end()
        if mark == 0xD9:
            return scans, match.start()
        scans += mark == 0xDA
        if scans > MAX_SCANS:
            return scans, len(data)
        if mark not in (0x01, 0xD8):  # these two have no length
            position += int.from_bytes(data[position : position + 2])
    raise RefusedError(f"it has more than {MAX_PARTS} segments", name="image-too-many-parts")


def _ends_in_grey(image: Image.Image) -> bool:
    """Whether the last pixel has the grey that libjpeg, without a word, puts where data is missing."""
    last = image.getpixel((image.width - 1, image.height - 1))
    return set(last if isinstance(last, tuple) else (last,)) <= {127, 128}


def _is_complete(data: bytes, end: int) -> bool:
    """Whether all pixels are there: only then do more bytes before the end mark change nothing."""
    bits = data[:end].rstrip(b"\xff")  # a last 0xFF is half of a mark, or of an escape
    longer = bits + _FILLER + data[end:]
    return _fingerprint(_decode(data)) == _fingerprint(_decode(longer))


def _fingerprint(image: Image.Image) -> bytes:
    digest = hashlib.sha256()
    for strip in strips(image):
        digest.update(strip.tobytes())
    return digest.digest()
