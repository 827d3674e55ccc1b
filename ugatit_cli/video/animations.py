"""Single pictures put together as an animated GIF, PNG or WebP, one after the other: memory does not grow with their number.

The pictures' own files are taken apart and their compressed data is used as it is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Final

from ..errors import OutputError
from .segments import Record
from .stills import TRANSPARENT

LONGEST_GIF_DELAY: Final = 0xFFFF  # hundredths of a second
LONGEST_WEBP_DELAY: Final = 0xFFFFFF  # milliseconds
MOST_PLAYS: Final = 0xFFFF  # of GIF and WebP; more are for ever


@dataclass(frozen=True)
class Animation:
    """What is to be written.

    Attributes:
        frames: how many there are.
        plays: how often it is shown; 0 is for ever.
    """

    width: int
    height: int
    frames: int
    plays: int
    time_base: Fraction


Write = Callable[[BinaryIO, Animation, Iterable[Record]], int]
"""How many frames are in it: those that last too short a time for the format have given way."""


def write_gif(file: BinaryIO, animation: Animation, records: Iterable[Record]) -> int:
    """CompuServe, Graphics Interchange Format, version 89a. Times are rounded to hundredths of a second, without drift."""
    shown = 0
    file.write(b"GIF89a" + struct.pack("<HHBBB", animation.width, animation.height, 0x70, 0, 0))
    if animation.plays != 1:
        repeats = max(0, animation.plays - 1) if animation.plays <= MOST_PLAYS else 0
        file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", repeats) + b"\0")
    for record, delay in _delays(records, animation.time_base * 100):
        colours, transparent, picture = _take_gif_apart(record.data)
        flags = (2 << 2 | 1) if transparent else (1 << 2)  # cleared afterwards, or left for the next to cover
        control = struct.pack("<BHBB", flags, min(delay, LONGEST_GIF_DELAY), TRANSPARENT if transparent else 0, 0)
        file.write(b"\x21\xf9\x04" + control)
        size = (len(colours) // 3).bit_length() - 2  # 2^(size + 1) colours
        file.write(b"\x2c" + struct.pack("<HHHHB", 0, 0, animation.width, animation.height, 0x80 | size) + colours)
        file.write(picture)
        shown += 1
    file.write(b"\x3b")
    return shown


def _take_gif_apart(data: bytes) -> tuple[bytes, bool, bytes]:
    """(table of colours, whether one is transparent, compressed picture) of a GIF with one picture and one table."""
    end = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    colours, position, transparent = data[13:end], end, False
    while data[position] == 0x21:  # an extension
        transparent = transparent or (data[position + 1] == 0xF9 and bool(data[position + 3] & 1))
        position = _after_blocks(data, position + 2)
    start = position + 10  # after the picture's place and size
    return colours, transparent, data[start : _after_blocks(data, start + 1)]


def _after_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += 1 + data[position]
    return position + 1


def write_apng(file: BinaryIO, animation: Animation, records: Iterable[Record]) -> int:
    """PNG, third edition: acTL, fcTL, fdAT."""
    sequence = 0
    for number, record in enumerate(records):
        chunks = list(_png_chunks(record.data))
        if number == 0:
            file.write(b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", chunks[0][1]))
            file.write(_png_chunk(b"acTL", struct.pack(">II", animation.frames, animation.plays)))
        delay = _ratio(record.duration * animation.time_base)
        control = struct.pack(">IIIIIHHBB", sequence, animation.width, animation.height, 0, 0, *delay, 0, 0)
        file.write(_png_chunk(b"fcTL", control))
        sequence += 1
        for kind, body in chunks:
            if kind == b"IDAT" and number == 0:
                file.write(_png_chunk(b"IDAT", body))
            elif kind == b"IDAT":
                file.write(_png_chunk(b"fdAT", struct.pack(">I", sequence) + body))
                sequence += 1
    file.write(_png_chunk(b"IEND", b""))
    return animation.frames


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _ratio(seconds: Fraction) -> tuple[int, int]:
    """Two numbers below 2^16, exact where that is possible."""
    if max(seconds.numerator, seconds.denominator) <= 0xFFFF:
        return seconds.numerator, seconds.denominator
    scale = 1000 if seconds < 65 else 10
    return min(0xFFFF, round(seconds * scale)), scale


def write_webp(file: BinaryIO, animation: Animation, records: Iterable[Record]) -> int:
    """RFC 9649: a RIFF file whose frames hold what single pictures hold. Times are rounded to milliseconds, without drift."""
    shown = 0
    canvas = _three(animation.width - 1) + _three(animation.height - 1)
    file.write(b"RIFF\0\0\0\0WEBP")
    file.write(_riff_chunk(b"VP8X", bytes([0x02 | 0x10, 0, 0, 0]) + canvas))  # animated, maybe transparent
    file.write(_riff_chunk(b"ANIM", struct.pack("<IH", 0, animation.plays if animation.plays <= MOST_PLAYS else 0)))
    for record, delay in _delays(records, animation.time_base * 1000):
        parts = [_riff_chunk(kind, body) for kind, body in _riff_chunks(record.data) if kind != b"VP8X"]
        head = bytes(6) + canvas + _three(min(delay, LONGEST_WEBP_DELAY)) + b"\x02"  # not blended with the one before
        file.write(_riff_chunk(b"ANMF", head + b"".join(parts)))
        shown += 1
    length = file.tell() - 8
    if length >= 2**32 - 10:
        raise OutputError("the animation is too large for a WebP file", hint="choose mp4", name="format-limit")
    file.seek(4)
    file.write(struct.pack("<I", length))
    file.seek(0, 2)
    return shown


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    while position < len(data):
        (length,) = struct.unpack_from("<I", data, position + 4)
        yield data[position : position + 4], data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _delays(records: Iterable[Record], ticks: Fraction) -> Iterator[tuple[Record, int]]:
    """Records with their durations in other units, of which `ticks` make one of their own; errors do not add up.

    A record whose duration becomes 0 gives way, unless all do: then the last stays.
    """
    record, is_shown = None, False
    for record in records:
        end = record.pts + record.duration
        delay = round(end * ticks) - round(record.pts * ticks)
        if delay:
            yield record, delay
            is_shown = True
    if record is not None and not is_shown:
        yield record, 1


WRITERS: Final[dict[str, Write]] = {"gif": write_gif, "apng": write_apng, "webp": write_webp}
