from __future__ import annotations

import random

import pytest

from ugatit_cli.crc32c import crc32c, masked


@pytest.mark.parametrize(
    ("data", "checksum"),
    [  # RFC 3720, appendix B.4
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
    ],
)
def test_published_checksums(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def plain(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize("length", [127, 128, 129, 130, 1021, 65_535, 65_536, 65_537, 131_075])
def test_every_way_of_folding_gives_the_plain_checksum(length: int) -> None:
    data = random.Random(length).randbytes(length)
    assert crc32c(data) == plain(data)


def test_pieces_give_the_checksum_of_the_whole() -> None:
    data = random.Random(0).randbytes(200_003)
    for cut in (0, 1, 64, 70_001, 131_072, 200_003):
        assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


def test_a_flipped_bit_anywhere_is_seen() -> None:
    data = bytearray(random.Random(0).randbytes(140_000))
    right = crc32c(data)
    for place in range(0, len(data), 9_973):
        data[place] ^= 1 << place % 8
        assert crc32c(memoryview(data)) != right
        data[place] ^= 1 << place % 8


def test_the_stored_form_is_masked() -> None:
    assert masked(0) == 0xA282EAD8
    assert masked(0x00008000) == (1 + 0xA282EAD8)
