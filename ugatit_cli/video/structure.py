"""Whether a video file is all there: its outermost boxes say how long they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import BadInputError

MOST_BOXES: Final = 100_000
KNOWN: Final = frozenset(
    {
        *(
            b"ftyp",
            b"styp",
            b"pdin",
            b"moov",
            b"moof",
            b"mfra",
            b"mdat",
            b"free",
            b"skip",
            b"wide",
            b"junk",
            b"pnot",
            b"PICT",
        ),
        *(b"meta", b"udta", b"uuid", b"sidx", b"ssix", b"prft", b"emsg"),
    }
)
"""Outermost boxes of MP4 and QuickTime files; what else stands behind a film are bytes that something appended."""


def ends_early(path: Path, demuxer: str) -> bool:
    """Whether the file is shorter than it says. Kinds that do not say so are taken to be whole.

    Raises:
        BadInputError: what is missing holds the index, without which no frame can be found.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if demuxer == "mov":
            return _is_cut_mov(file, size)
        if demuxer == "matroska":
            return _is_cut_matroska(file, size)
        if demuxer == "avi":
            head = file.read(8)
            return int.from_bytes(head[4:8], "little") + 8 > size + 1  # an odd end may lack its padding
    return False


def _is_cut_mov(file: BinaryIO, size: int) -> bool:
    boxes = list(_boxes(file, size))
    whole = {kind for kind, end in boxes if end <= size}
    cut = any(end > size and (kind in KNOWN or not {b"moov", b"mdat"} <= whole) for kind, end in boxes)
    if b"moov" not in {kind for kind, _ in boxes}:
        what = "it is incomplete" if cut else "it is damaged"
        text = f"{what}: its index (moov) is missing, which cameras write at the end"
        raise BadInputError(text, hint="copy or download it again", name="video-no-index")
    return cut


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """(kind, end) of the outermost boxes of an MP4 or QuickTime file (ISO/IEC 14496-12, 4.2)."""
    position = 0
    for _ in range(MOST_BOXES):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            return
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # to the end of the file
            length = size - position
        if length < 8:
            return
        position += length
        yield kind, position


def _is_cut_matroska(file: BinaryIO, size: int) -> bool:
    """The header element, then one segment that holds everything else (RFC 8794, RFC 9559)."""
    position = 0
    for _ in range(2):
        file.seek(position)
        head = file.read(12)
        if len(head) < 2 or not head[0]:
            return False
        id_bytes = 9 - head[0].bit_length()
        rest = head[id_bytes:]
        if not rest or not rest[0]:
            return False
        size_bytes = 9 - rest[0].bit_length()
        length = int.from_bytes(rest[:size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
        if length == (1 << 7 * size_bytes) - 1:  # all ones: unknown
            return False
        position += id_bytes + size_bytes + length
    return position > size
