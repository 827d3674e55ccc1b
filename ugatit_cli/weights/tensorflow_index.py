"""The index of a TensorFlow checkpoint (`NAME.index`): which tensors there are and where each lies, read without TensorFlow.

It is a table of LevelDB: blocks of sorted keys, each key kept as what differs from the one before it, and a block that
lists the blocks. Keys are the variables' names; values are small protocol buffers (BundleEntryProto; the first, of the
empty key, is a BundleHeaderProto). Whatever a file claims is held against the bytes that are there before it is believed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard

from ..crc32c import crc32c, masked
from ..errors import BadModelError
from ..tensorflow_files import TABLE_MAGIC

MAX_INDEX_BYTES = 8 << 20  # official: 31 KB
MAX_TENSORS = 20_000  # official: 788
MAX_NAME_BYTES = 512
MAX_SHARDS = 1000
MAX_DIMENSIONS = 8

DTYPES = {  # TensorFlow's DataType: name and bytes of the types that a checkpoint of a network may have
    **{1: ("float32", 4), 2: ("float64", 8), 14: ("bfloat16", 2), 19: ("float16", 2)},
    **{3: ("int32", 4), 4: ("uint8", 1), 5: ("int16", 2), 6: ("int8", 1), 9: ("int64", 8), 10: ("bool", 1)},
}

_FOOTER_BYTES = 48
_TRAILER = struct.Struct("<BI")  # behind every block: how it is compressed, and its masked CRC-32C with that byte
_WORD = struct.Struct("<I")
_VARINT_BYTES = 10


@dataclass(frozen=True)
class TensorEntry:
    """One tensor's description.

    Attributes:
        dtype: `float32` ...; `other` for what no network has, such as texts.
        shard: number of the data file that it lies in.
        offset, size: its bytes there.
        checksum: masked CRC-32C of them, see `crc32c.masked`.
    """

    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


@dataclass(frozen=True)
class TensorIndex:
    """All tensors by the variables' names, in the file's order, and the number of data files they lie in."""

    tensors: Mapping[str, TensorEntry]
    shards: int


def read_index(data: bytes) -> TensorIndex:
    """`data` is the whole file.

    Raises:
        BadModelError: not an index, damaged, incomplete, or larger than any model's.
    """
    if len(data) > MAX_INDEX_BYTES:
        raise BadModelError(f"its index has {len(data):,} bytes, more than any model needs", name="model-too-large")
    if len(data) < _FOOTER_BYTES or not data.endswith(TABLE_MAGIC):
        raise _damaged("its index does not end as one does: it is cut off, or something else")
    try:
        return _read_table(data)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise _damaged("its index refers to bytes that are not there, or its names are not texts") from error


def _read_table(data: bytes) -> TensorIndex:
    entries = _entries(data)
    name, header = next(entries, (b"", b""))
    if name:
        raise _damaged("its index does not begin with a header")
    shards = _read_header(header)
    tensors: dict[str, TensorEntry] = {}
    for key, value in entries:
        if len(tensors) >= MAX_TENSORS:
            raise BadModelError(f"it holds more than {MAX_TENSORS:,} tensors", name="model-too-large")
        tensors[key.decode()] = _read_entry(key.decode(), value, shards)
    _check_apart(tensors)
    return TensorIndex(tensors, shards)


def _check_apart(tensors: Mapping[str, TensorEntry]) -> None:
    """Tensors do not overlap."""
    placed = sorted((entry.shard, entry.offset, entry.size) for entry in tensors.values() if entry.size)
    for (shard, offset, size), (next_shard, next_offset, _) in pairwise(placed):
        if shard == next_shard and offset + size > next_offset:
            raise _damaged("two of the tensors in its index overlap")


# ---- the table


def _entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of all blocks, in ascending order of the keys."""
    footer = data[-_FOOTER_BYTES:]
    _, _, at = _handle(footer, 0)  # of a block of statistics, which nobody writes
    offset, end, _ = _handle(footer, at)
    last, position = None, 0
    for _, handle in _block_entries(_block(data, offset, end)):
        offset, end, _ = _handle(handle, 0)
        if offset < position:  # else one large block could be named a million times
            raise _damaged("the blocks of its index are not in order")
        position = end
        for key, value in _block_entries(_block(data, offset, end)):
            if last is not None and key <= last:
                raise _damaged("the names in its index are not in order")
            last = key
            yield key, value


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Where a block begins and ends, and the place behind these two numbers."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return offset, offset + size, at


def _block(data: bytes, offset: int, end: int) -> bytes:
    """One block, held against its checksum."""
    if end + _TRAILER.size > len(data) - _FOOTER_BYTES:
        raise _damaged("a block of its index lies outside of it")
    compression, checksum = _TRAILER.unpack_from(data, end)
    if masked(crc32c(data[offset : end + 1])) != checksum:
        raise _damaged("a block of its index does not match its checksum")
    if compression:
        raise BadModelError("its index is compressed, which TensorFlow never does", name="model-unknown-format")
    return data[offset:end]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each key is the one before it, as far as both agree, and the rest; places to start in the middle come last."""
    (restarts,) = _WORD.unpack_from(block, len(block) - _WORD.size)
    end = len(block) - _WORD.size * (1 + restarts)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        rest, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or shared + rest > MAX_NAME_BYTES or at + rest + length > end:
            raise _damaged("a name in its index is broken")
        key = key[:shared] + block[at : at + rest]
        yield key, block[at + rest : at + rest + length]
        at += rest + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, lowest first, below 2**64, and the place behind it."""
    value = 0
    for group in range(_VARINT_BYTES):
        byte = data[at + group]
        value |= (byte & 0x7F) << 7 * group
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + group + 1
    raise _damaged("a number in its index has no end")


# ---- the protocol buffers in it


def _read_header(message: bytes) -> int:
    """Number of data files. Fields: 1 that number, 2 byte order (0 is little-endian)."""
    fields = dict(_fields(message))
    shards, big_endian = fields.get(1), fields.get(2, 0)
    if big_endian:
        raise BadModelError("its numbers are big-endian, which this version does not read", name="model-dtype")
    if not _is_number(shards) or not 1 <= shards <= MAX_SHARDS:
        raise _damaged("its index does not say in how many files its tensors lie")
    return shards


def _read_entry(name: str, message: bytes, shards: int) -> TensorEntry:
    """Fields: 1 type, 2 shape, 3 shard, 4 offset, 5 size, 6 checksum, 7 slices of a tensor that is kept in parts."""
    fields = dict(_fields(message))
    shape, checksum = fields.get(2, b""), fields.get(6, b"")
    numbers = [fields.get(field, 0) for field in (1, 3, 4, 5)]
    if 7 in fields:
        raise BadModelError(f"its tensor {name[:80]} is kept in slices, and whole ones are needed", name="model-dtype")
    if not (all(map(_is_number, numbers)) and isinstance(shape, bytes)) or not isinstance(checksum, bytes):
        raise _damaged(f"its index describes {name[:80]} wrongly")
    kind, shard, offset, size = (number for number in numbers if _is_number(number))
    dtype, item_size = DTYPES.get(kind, ("other", 0))
    entry = TensorEntry(dtype, _read_shape(shape), shard, offset, size, _word(checksum))
    if shard >= shards:
        raise _damaged(f"its index says that {name[:80]} lies where no file is")
    if item_size and math.prod(entry.shape) * item_size != size:
        raise _damaged(f"the shape of {name[:80]} in its index does not match its size")
    return entry


def _read_shape(message: bytes) -> tuple[int, ...]:
    """Field 2, repeated: one dimension, whose field 1 is its length."""
    sides = [
        dict(_fields(side)).get(1, 0) for field, side in _fields(message) if field == 2 and isinstance(side, bytes)
    ]
    shape = tuple(side for side in sides if _is_number(side) and side < 1 << 62)
    if len(shape) != len(sides) or len(shape) > MAX_DIMENSIONS:
        raise _damaged("a shape in its index is wrong")
    return shape


def _word(checksum: bytes) -> int:
    return int(_WORD.unpack(checksum)[0]) if checksum else 0


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protocol buffer: a whole number, or bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, value = tag & 7, 0
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            length, at = _varint(message, at)
        if length is None or at + length > len(message):
            raise _damaged("a description in its index is broken")
        yield tag >> 3, message[at : at + length]
        at += length


def _damaged(reason: str) -> BadModelError:
    return BadModelError(f"it is damaged: {reason}", hint="download or copy it again", name="model-damaged")
