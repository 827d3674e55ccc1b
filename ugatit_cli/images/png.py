"""PNG: its chunks are walked here, so that nothing but the picture is inflated and no wrong checksum passes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from PIL import Image

from ..errors import RefusedError
from .faults import cut_off, damaged
from .header import open_header
from .limits import MAX_PARTS, MAX_PROFILE_BYTES
from .notes import ANIMATED, BAD_PROFILE

_KEPT_CHUNKS: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf"}


def load_png(data: bytes, notes: list[str]) -> Image.Image:
    """Only the chunks that carry the picture reach the decoder: no text, however much it inflates to, no later frames."""
    kept: list[bytes | memoryview] = [data[:8]]
    depth = 8
    for name, body, chunk in _chunks(data):
        if name == b"acTL" and int.from_bytes(body[:4]) > 1:
            notes.append(ANIMATED)
        if name == b"IHDR":
            depth = body[8]
        if name not in _KEPT_CHUNKS:
            continue
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise damaged("PNG", f": the checksum of its {name.decode()} part is wrong")
        if name == b"iCCP" and not _inflates_within(body, MAX_PROFILE_BYTES // 4):
            notes.append(BAD_PROFILE)
            continue
        kept.append(chunk)
    image = open_header("PNG", b"".join(kept))
    image.load()
    _scale_transparent_colour(image, depth)
    return image


def _scale_transparent_colour(image: Image.Image, depth: int) -> None:
    """To 8 bits, as the decoder does it with the pixels; in `info` it is as in the file, of `depth` bits a channel."""
    colour = image.info.get("transparency")
    if image.mode == "RGB" and depth == 16 and isinstance(colour, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif image.mode == "L" and isinstance(colour, int):
        image.info["transparency"] = colour * 255 // (2**depth - 1)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Name, body, and the whole of every chunk up to the end mark; what is appended behind it is never looked at."""
    view, position = memoryview(data), 8
    for _ in range(MAX_PARTS):
        end = position + 12 + int.from_bytes(view[position : position + 4])
        if len(view) < position + 12 or len(view) < end:
            raise cut_off()
        name = bytes(view[position + 4 : position + 8])
        yield name, view[position + 8 : end - 4], view[position:end]
        if name == b"IEND":
            return
        position = end
    raise RefusedError(f"it has more than {MAX_PARTS} chunks", name="image-too-many-parts")


def _inflates_within(body: memoryview, limit: int) -> bool:
    """Whether a `name NUL method deflated` chunk is sound and holds at most `limit` bytes."""
    start = bytes(body[:81])
    end_of_name = start.find(b"\0")
    if end_of_name < 1 or start[end_of_name + 1 :][:1] != b"\0":  # the only method there is
        return False
    try:
        return len(zlib.decompressobj().decompress(body[end_of_name + 2 :], limit + 1)) <= limit
    except zlib.error:
        return False
