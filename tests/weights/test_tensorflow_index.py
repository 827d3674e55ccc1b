"""The index of a TensorFlow checkpoint: what is read, and that damage of any kind ends in an error for the user."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from weights import tensorflow_checkpoints as made
from weights.test_hostile import mutate

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError
from ugatit_cli.weights.tensorflow_index import MAX_INDEX_BYTES, MAX_TENSORS, TensorIndex, read_index

LIGHT = GeneratorConfig("light", 1, 1, affine=True, unbiased=False, truncated=True)
HEADER = (b"", made.field(1, 1))
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


def entry(size: int = 2, offset: int = 0) -> bytes:
    return made.entry(np.zeros(size, np.float32), 0, offset, bytes(4 * size))


def read(*entries: tuple[bytes, bytes]) -> TensorIndex:
    return read_index(made.table([HEADER, *entries]))


@given(
    shapes=st.dictionaries(names, st.lists(st.integers(0, 3), max_size=4), max_size=40),
    per_block=st.integers(1, 12),
    restart=st.integers(1, 20),
)
def test_what_was_written_is_read(shapes: dict[str, list[int]], per_block: int, restart: int) -> None:
    entries, offset = [HEADER], 0
    for name, shape in sorted(shapes.items(), key=lambda item: item[0].encode()):
        array = np.zeros(shape, np.float32)
        entries.append((name.encode(), made.entry(array, 0, offset, array.tobytes())))
        offset += array.nbytes
    index = read_index(made.table(entries, per_block, restart))
    assert {name: list(found.shape) for name, found in index.tensors.items()} == shapes
    assert sum(found.size for found in index.tensors.values()) == offset


def test_golden_indices_hold_the_variables_that_are_listed(shared: Path) -> None:
    for path in (shared / "golden" / "tensorflow").glob("*/checkpoint/*/*.index"):
        lines = (path.parents[2] / "variables.txt").read_text().split("\n")
        listed = {line.partition(" ")[0]: line.partition(" ")[2] for line in lines if line}
        found = {name: "x".join(map(str, each.shape)) for name, each in read_index(path.read_bytes()).tensors.items()}
        assert set(found) == set(listed)
        assert all(shape in (listed[name], "") for name, shape in found.items())


def test_tensors_may_lie_in_several_files(tmp_path: Path) -> None:
    made.write(tmp_path, made.random_variables(LIGHT), shards=3)
    assert weights.load(tmp_path).generator("b2a")


# ---- what is wrong


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([(b"a", entry()), (b"a", entry(offset=8))], "not in order"),
        ([(b"b", entry()), (b"a", entry(offset=8))], "not in order"),
        ([(b"a", entry()), (b"b", entry(offset=4))], "overlap"),
        ([(b"\xff", entry())], "not texts"),
        ([(b"a", b"\x0a")], "refers to bytes that are not there"),
        ([(b"a", made.message(5, b"x"))], "describes a wrongly"),
        ([(b"a", made.field(1, 1) + made.field(5, 8))], "the shape of a in its index does not match"),
        ([(b"a", made.field(3, 1))], "lies where no file is"),
        ([(b"a", made.field(1, 1) + made.message(7, b""))], "kept in slices"),
        ([(b"a", made.field(1, 1) + b"\x0b")], "description in its index is broken"),
        ([(b"a", made.varint(6 << 3 | 5) + b"\0\0")], "description in its index is broken"),
        ([(b"a", made.message(2, made.message(2, made.field(1, 1)) * 9))], "shape in its index is wrong"),
        ([(b"a" * 600, entry())], "a name in its index is broken"),
        ([(b"%05d" % number, made.field(1, 7)) for number in range(MAX_TENSORS + 1)], "more than 20,000 tensors"),
    ],
)
def test_what_contradicts_itself_is_damaged(entries: list[tuple[bytes, bytes]], message: str) -> None:
    with pytest.raises(BadModelError, match=message):
        read(*entries)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "in how many files"),
        (made.field(1, 0), "in how many files"),
        (made.field(1, 5000), "in how many files"),
        (made.field(1, 1) + made.field(2, 1), "big-endian"),
    ],
)
def test_the_header_is_checked(header: bytes, message: str) -> None:
    with pytest.raises(BadModelError, match=message):
        read_index(made.table([(b"", header)]))


def test_there_must_be_a_header() -> None:
    with pytest.raises(BadModelError, match="does not begin with a header"):
        read_index(made.table([(b"a", entry())]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off"),
        (made.MAGIC, "cut off"),
        (bytes(40) + made.MAGIC, "outside|not match"),
        (b"\xff" * 40 + made.MAGIC, "has no end"),
        (bytes(MAX_INDEX_BYTES + 1), "more than any model needs"),
    ],
)
def test_other_bytes_are_no_index(data: bytes, message: str) -> None:
    with pytest.raises(BadModelError, match=message):
        read_index(data)


def test_blocks_must_not_be_compressed_nor_damaged() -> None:
    data = made.table([HEADER])
    end = data.index(made.block([], 16), 5) - 5  # of the first block: its kind and checksum follow
    snappy = made.summed(data[:end] + b"\1")
    with pytest.raises(BadModelError, match="compressed"):
        read_index(snappy + data[len(snappy) :])
    with pytest.raises(BadModelError, match="does not match its checksum"):
        read_index(b"\1" + data[1:])


def test_one_large_block_named_a_thousand_times_is_refused_at_once() -> None:
    first = made.block([], 16)
    handle = made.varint(0) + made.varint(len(first) - 5)
    listing = made.block([(struct.pack(">I", number), handle) for number in range(1000)], 1)
    places = [0, len(first) - 5, len(first), len(listing) - 5]
    data = first + listing + b"".join(map(made.varint, places)).ljust(40, b"\0") + made.MAGIC
    with pytest.raises(BadModelError, match="blocks of its index are not in order"):
        read_index(data)


@pytest.mark.parametrize("count", [1500, pytest.param(35_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_mutated_indices_end_in_a_documented_error(count: int) -> None:
    """Checksums are put right again, so that the damage reaches what reads the block's inside."""
    arrays = made.random_variables(LIGHT)
    entries = [HEADER, *((name.encode(), made.entry(array, 0, 0, b"")) for name, array in sorted(arrays.items()))]
    content, dice, read = made.block(entries[:20], 16)[:-4], random.Random(1), 0
    for _ in range(count):
        first = made.summed(mutate(content, dice, [range(len(content))]))
        listing = made.block([(b"z", made.varint(0) + made.varint(len(first) - 5))], 1)
        places = [0, 0, len(first), len(listing) - 5]
        data = first + listing + b"".join(map(made.varint, places)).ljust(40, b"\0") + made.MAGIC
        try:
            read_index(data)
            read += 1
        except BadModelError:
            pass
    assert read < count


def test_mutated_files_end_in_a_documented_error(tmp_path: Path) -> None:
    made.write(tmp_path, made.random_variables(LIGHT))
    path, dice = made.index_path(tmp_path), random.Random(1)
    good, generator, loaded = path.read_bytes(), weights.load(path).generators["a2b"], 0
    for _ in range(300):
        path.write_bytes(mutate(good, dice, [range(len(good))]))
        try:
            found = weights.load(path).generators["a2b"]
        except BadModelError:
            continue
        loaded += 1  # a byte of the filling before the end
        assert all(torch.equal(found[name], tensor) for name, tensor in generator.items())
    assert loaded < 30
