"""A graph's file without the numbers of its large weights: all that has to be looked at, in a small part of its size.

A file of a gigabyte is a few hundred kilobytes of graph around weights that nobody needs to see before they are used. So
the messages that may hold weights are copied field by field from the mapped file, and whatever is large and numbers is
left out; protobuf then reads the rest.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader

from google.protobuf.message import DecodeError
from onnx import ModelProto

from ..errors import BadModelError, RefusedError

LARGE = 1024  # bytes; what is smaller stays, as it may be a shape
MOST_BYTES = 16 << 20  # that are kept; of real graphs it is less than 5 MB
MOST_FIELDS = 200_000  # that are looked at; of real graphs it is less than 50,000
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5  # protobuf's ways to write a field
_LONGEST_VARINT = 10


@dataclass(frozen=True)
class _Message:
    """Numbers of the fields, in onnx.proto, that hold messages which may hold weights, and of those that are weights."""

    inner: Mapping[int, _Message]
    numbers: frozenset[int] = frozenset()


_TENSOR = _Message({}, frozenset({4, 5, 7, 9, 10, 11}))  # float_data, int32_data, int64_data, raw_data, double_data ...
_ATTRIBUTE = _Message({5: _TENSOR})
_NODE = _Message({5: _ATTRIBUTE})
_GRAPH = _Message({1: _NODE, 5: _TENSOR})
_MODEL = _Message({7: _GRAPH})


def read_outline(file: BufferedReader) -> ModelProto:
    """The model without the numbers of tensors that have more than `LARGE` bytes of them; the file must not be empty.

    Raises:
        BadModelError: it is damaged, cut off, or no ONNX file.
        RefusedError: what is left is larger than any graph.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        outline = _Outline(data).of(0, len(data), _MODEL)
    model = ModelProto()
    try:
        model.ParseFromString(outline)
    except DecodeError as error:
        raise _damaged() from error
    return model


class _Outline:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._kept = self._fields = 0

    def of(self, begin: int, end: int, message: _Message) -> bytes:
        """What is kept of the message between `begin` and `end`."""
        parts = []
        copied = begin  # what lies from here to a field that is not kept whole is kept as it is
        for field, tag, value, behind in self._large_fields(begin, end):
            number = tag >> 3
            if number in message.numbers or number in message.inner:
                parts.append(self._keep(copied, field))
                copied = behind
            if number in message.inner:
                content = self.of(value, behind, message.inner[number])
                parts.append(_as_varint(tag) + _as_varint(len(content)) + content)
        return b"".join([*parts, self._keep(copied, end)])

    def _large_fields(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Where it begins, its tag, where its value begins and ends: of each field with more than `LARGE` bytes."""
        at = begin
        while at < end:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise RefusedError("it has more parts than any model", name="model-too-large")
            field = at
            tag, value = _varint(self._data, at, end)
            if tag & 7 != _LENGTH:
                at = _behind(self._data, value, end, tag & 7)
                continue
            length, value = _varint(self._data, value, end)
            at = value + length
            if at > end:
                raise _damaged()
            if length > LARGE:
                yield field, tag, value, at

    def _keep(self, begin: int, end: int) -> bytes:
        self._kept += end - begin
        if self._kept > MOST_BYTES:
            text = f"it has more than {MOST_BYTES >> 20} MB beside its weights, more than any model"
            raise RefusedError(text, name="model-too-large")
        return self._data[begin:end]


def _behind(data: mmap.mmap, at: int, end: int, way: int) -> int:
    """Where a field of a fixed or self-ending length ends."""
    if way == _VARINT:
        return _varint(data, at, end)[1]
    at += {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(way, end)  # others are not in any version of onnx.proto
    if at > end:
        raise _damaged()
    return at


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= end:
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise _damaged()


def _as_varint(value: int) -> bytes:
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def _damaged() -> BadModelError:
    text = "it is damaged, cut off or not an ONNX graph at all: it cannot be parsed"
    return BadModelError(text, hint="download or copy it again", name="model-damaged")
