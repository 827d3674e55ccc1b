"""CRC-32C (Castagnoli), which TensorFlow puts beside every tensor and block it writes. No library we have knows it fast.

A checksum is the remainder of the message taken as one long polynomial, so the message may be folded first: many columns
of words at a time, the row above is moved down one row (two lookups a word) and added to the next. That is NumPy's work,
and leaves one short row for the byte-by-byte loop.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

_POLYNOMIAL = 0x82F63B78  # bit-reversed
_ALL_ONES = 0xFFFFFFFF
_COLUMNS = (8192, 16)  # words in a row, of the first fold and of the second
_MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The checksum of `data`; of more than one piece, with `value` that of the pieces before it, as in `zlib.crc32`."""
    message, register = memoryview(data).cast("B"), value ^ _ALL_ONES
    for columns in _COLUMNS:
        if len(message) >= 8 * columns:
            message, register = _fold(message, register, columns), 0
    table = _byte_table()
    for byte in message:
        register = table[(register ^ byte) & 0xFF] ^ register >> 8
    return register ^ _ALL_ONES


def masked(checksum: int) -> int:
    """As it is stored: turned by 15 bits and moved, so that a checksum of data that holds checksums means something."""
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & _ALL_ONES


def _fold(message: memoryview, register: int, columns: int) -> memoryview:
    """A shorter message that leaves in a register of zero what `message` leaves in `register`: one row, and the rest."""
    import numpy as np

    count = len(message) // (4 * columns)
    rows = np.frombuffer(message, "<u4", count * columns).reshape(count, columns)
    low, high = _shift_tables(columns)
    folded = rows[0].copy()
    folded[0] ^= register
    for row in rows[1:]:
        folded = low[folded & 0xFFFF] ^ high[folded >> 16] ^ row
    return memoryview(folded.astype("<u4").tobytes() + bytes(message[rows.nbytes :]))


@cache
def _byte_table() -> list[int]:
    """What eight zero bits do to each byte in the register."""
    return [_shifted(byte, 8) for byte in range(256)]


def _shifted(register: int, zero_bits: int) -> int:
    for _ in range(zero_bits):
        register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register


@cache
def _shift_tables(words: int) -> tuple[Words, Words]:
    """What so many zero words do to a register: of each value of its lower half, and of its upper half."""
    import numpy as np

    columns = [_shifted(1 << bit, 32) for bit in range(32)]  # of the matrix, over bits, for one word
    for _ in range(words.bit_length() - 1):  # squared: `words` is a power of two
        columns = [_times(columns, column) for column in columns]
    halves = []
    for half in (columns[:16], columns[16:]):
        table = np.zeros(1, np.uint32)
        for column in half:
            table = np.concatenate([table, table ^ np.uint32(column)])
        halves.append(table)
    return halves[0], halves[1]


def _times(columns: list[int], register: int) -> int:
    """The matrix times the register, without carries."""
    result = 0
    for bit, column in enumerate(columns):
        if register >> bit & 1:
            result ^= column
    return result
