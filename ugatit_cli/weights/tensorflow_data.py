"""The data files of a TensorFlow checkpoint: the bytes that its index describes, held against their checksums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..crc32c import crc32c, masked
from ..errors import BadModelError, UsageError
from ..model_file import open_model
from ..tensorflow_files import data_file
from .stored import FLOAT_TYPES, damaged, incomplete
from .tensorflow_index import TensorEntry

ReadBytes = Callable[[int, int, int], bytearray]
"""(number of the data file, first byte, number of bytes) -> exactly so many bytes."""


@dataclass(frozen=True)
class Variable:
    """One tensor, and who reads its bytes; `name` is for messages."""

    name: str
    entry: TensorEntry
    read: ReadBytes

    def whole(self) -> torch.Tensor:
        """In float32. Raises BadModelError where the checksum is wrong."""
        (tensor,) = self.pieces(self.entry.shape[0])
        return tensor

    def pieces(self, rows: int) -> Iterator[torch.Tensor]:
        """In float32, so many rows (of the first axis) at a time.

        Raises:
            BadModelError: the checksum is wrong, behind the last piece; go on to the end.
        """
        entry, checksum = self.entry, 0
        row_bytes = entry.size // entry.shape[0]
        for first in range(0, entry.shape[0], rows):
            size = min(rows, entry.shape[0] - first) * row_bytes
            data = self.read(entry.shard, entry.offset + first * row_bytes, size)
            checksum = crc32c(data, checksum)
            yield torch.frombuffer(data, dtype=FLOAT_TYPES[entry.dtype]).reshape(-1, *entry.shape[1:]).float()
        if masked(checksum) != entry.checksum:
            raise damaged(f"{self.name} does not match its checksum")


class DataFiles:
    """Those beside an index."""

    def __init__(self, index: Path, shards: int) -> None:
        self._index, self._shards = index, shards

    def check(self, entries: Mapping[str, TensorEntry]) -> None:
        """Whether all of these are there, by the files' sizes.

        Raises:
            BadModelError: a file is missing or too short.
        """
        ends: dict[int, int] = {}
        for entry in entries.values():
            ends[entry.shard] = max(ends.get(entry.shard, 0), entry.offset + entry.size)
        for shard, end in ends.items():
            path = data_file(self._index, shard, self._shards)
            try:
                with open_model(path) as file:
                    size = file.seek(0, 2)
            except UsageError as error:
                text = f"its data file {path.name} does not lie beside its index"
                raise BadModelError(text, hint=f"put it into {path.parent}", name="model-incomplete") from error
            if size < end:
                raise incomplete(f"{path.name} has {size:,} bytes, and {end:,} are needed")

    def read(self, shard: int, offset: int, size: int) -> bytearray:
        buffer = bytearray(size)
        with open_model(data_file(self._index, shard, self._shards)) as file:
            file.seek(offset)
            if file.readinto(buffer) != size:
                raise incomplete("it became shorter while it was read")
        return buffer
