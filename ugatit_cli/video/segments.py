"""A stretch of a finished film: compressed pictures with their times in one file, from which the whole is joined.

A file is a line that names the format, for each picture a fixed head and its bytes, and at last `SegmentFacts` as JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import OutputError

MAGIC: Final = b"ugatit segment 1\n"
_HEAD: Final = struct.Struct("<qqBQ")  # pts, duration, flags, bytes


@dataclass(frozen=True)
class Record:
    """One compressed picture.

    Attributes:
        pts, duration: in units of the film's time base.
        is_key: whether decoding can begin here.
    """

    pts: int
    duration: int
    is_key: bool
    data: bytes


@dataclass(frozen=True)
class SegmentFacts:
    """What a resumed run must know about a segment.

    Attributes:
        frames: how many source frames it holds.
        following: the `pts` from which the next segment begins; frames before it are done.
        damaged: packets of the source that could not be decoded.
        exact: whether the next segment can be found by its time alone (see `frames.Source`).
        transparent: whether anything in it was.
    """

    frames: int
    following: int
    damaged: int
    exact: bool
    transparent: bool = False


def begin(file: BinaryIO) -> None:
    file.write(MAGIC)


def write_records(file: BinaryIO, records: Iterable[Record]) -> None:
    for record in records:
        file.write(_HEAD.pack(record.pts, record.duration, record.is_key, len(record.data)))
        file.write(record.data)


def end(file: BinaryIO, facts: SegmentFacts) -> None:
    """At the end, where they are known; their length comes last."""
    line = json.dumps(asdict(facts)).encode("ascii")
    file.write(line + struct.pack("<I", len(line)))


def read_facts(path: Path) -> SegmentFacts:
    with path.open("rb") as file:
        file.seek(-4, 2)
        (length,) = struct.unpack("<I", file.read(4))
        file.seek(-4 - length, 2)
        return SegmentFacts(**json.loads(file.read(length)))


def read_records(path: Path) -> Iterator[Record]:
    """In the order of decoding. Raises OutputError where the file is not what was written."""
    with path.open("rb") as file:
        for (pts, duration, flags, size), position in _heads(file, path):
            file.seek(position)
            data = file.read(size)
            if len(data) != size:
                raise _damaged(path)
            yield Record(pts, duration, bool(flags), data)


def read_times(path: Path) -> list[int]:
    """The `pts` of every picture, in the order of decoding, without its bytes."""
    with path.open("rb") as file:
        return [head[0] for head, _ in _heads(file, path)]


def _heads(file: BinaryIO, path: Path) -> Iterator[tuple[tuple[int, int, int, int], int]]:
    """(pts, duration, flags, bytes) and the place of the bytes."""
    size = file.seek(-4, 2) + 4
    end = size - 4 - int.from_bytes(file.read(4), "little")
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise _damaged(path)
    position = len(MAGIC)
    while position < end:
        file.seek(position)
        head = _HEAD.unpack(file.read(_HEAD.size))
        position += _HEAD.size
        yield head, position
        position += head[3]


def _damaged(path: Path) -> OutputError:
    hint = "start again with --no-resume"
    return OutputError(f"a finished part of the film is damaged: {path}", hint=hint, name="segment-damaged")
