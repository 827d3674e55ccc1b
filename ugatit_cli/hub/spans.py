"""Some tensors of a large checkpoint on the Hub: only their bytes are fetched, resumed where they stopped, and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..crc32c import crc32c, masked
from ..errors import BadModelError, NetworkError, RefusedError
from .client import InterruptedTransferError, RemoteFile, open_body
from .patience import persist
from .watching import Watcher

if TYPE_CHECKING:
    from ..weights.tensorflow_index import TensorEntry

LARGEST_GAP = 1 << 18  # bytes that are fetched for nothing rather than asked around
_PIECE = 1 << 22


@dataclass(frozen=True)
class Span:
    """Bytes `start` to `stop` (not included) of one data file, and the tensors in them.

    Attributes:
        place: where they lie in our file, which holds one span behind the other.
    """

    shard: int
    start: int
    stop: int
    place: int
    tensors: tuple[str, ...]

    @property
    def end(self) -> int:
        """The place behind it in our file."""
        return self.place + self.stop - self.start


def plan_spans(entries: Mapping[str, TensorEntry]) -> list[Span]:
    """Neighbours together, in the order in which they lie."""
    spans: list[Span] = []
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].shard, item[1].offset)):
        stop = entry.offset + entry.size
        last = spans[-1] if spans else None
        if last is not None and last.shard == entry.shard and entry.offset - last.stop <= LARGEST_GAP:
            spans[-1] = Span(last.shard, last.start, stop, last.place, (*last.tensors, name))
        else:
            spans.append(Span(entry.shard, entry.offset, stop, last.end if last else 0, (name,)))
    return spans


class SpanFile:
    """Our file: what came of the spans so far, which is its beginning."""

    def __init__(self, path: Path, spans: Sequence[Span], entries: Mapping[str, TensorEntry]) -> None:
        self._path, self._spans, self._entries = path, spans, entries

    @property
    def total(self) -> int:
        return self._spans[-1].end

    @property
    def done(self) -> int:
        return self._path.stat().st_size if self._path.is_file() else 0

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def fetch(self, remotes: Mapping[int, RemoteFile], name: str, watcher: Watcher) -> None:
        """What is missing, from the data files by number; every tensor is held against its checksum.

        Raises:
            NetworkError: the Hub cannot deliver, or sends whole files only; what came is kept.
            RefusedError: a tensor's bytes are not those that the index means; they are not kept.
        """
        with watcher.transfer(name, self.total, self.done) as advance:
            for span in self._spans:
                if self.done < span.end:
                    persist(partial(self._append, span, remotes[span.shard], advance), lambda: self.done)
                self._check(span, name)

    def _append(self, span: Span, remote: RemoteFile, advance: Callable[[int], None]) -> None:
        """One attempt at the rest of a span."""
        with self._path.open("ab") as file:
            first = span.start + file.tell() - span.place
            if first >= span.stop:
                return
            with open_body(remote, first, span.stop) as body:
                if body.start != first:
                    text = f"cannot fetch a part of {remote.file}: the server sends nothing but the whole file"
                    raise NetworkError(text, hint="check HF_ENDPOINT and the proxy", name="hub-no-ranges")
                for chunk in body.chunks:
                    file.write(chunk[: span.end - file.tell()])
                    advance(len(chunk))
            if file.tell() < span.end:
                text = (
                    f"cannot fetch {remote.file}: {file.tell() - span.place:,} of {span.stop - span.start:,} bytes came"
                )
                raise InterruptedTransferError(text, hint="try again; what is there is kept", name="hub-interrupted")

    def _check(self, span: Span, name: str) -> None:
        for tensor in span.tensors:
            entry = self._entries[tensor]
            place = span.place + entry.offset - span.start
            if self._checksum(place, entry.size) != entry.checksum:
                os.truncate(self._path, place)
                text = f"refused {name}: the bytes of {tensor} do not match their checksum in the index"
                hint = "they were dropped; try again, or distrust the source"
                raise RefusedError(text, hint=hint, name="hub-checksum")

    def _checksum(self, place: int, size: int) -> int:
        """Masked, as the index has it."""
        checksum = 0
        with self._path.open("rb") as file:
            file.seek(place)
            while size > 0:
                piece = file.read(min(_PIECE, size))
                checksum, size = crc32c(piece, checksum), size - len(piece)
        return masked(checksum)

    def read(self, shard: int, offset: int, size: int) -> bytearray:
        """Bytes of a data file, from ours. Raises BadModelError where they are not there."""
        for span in self._spans:
            if span.shard == shard and span.start <= offset and offset + size <= span.stop:
                buffer = bytearray(size)
                with self._path.open("rb") as file:
                    file.seek(span.place + offset - span.start)
                    if file.readinto(buffer) == size:
                        return buffer
        raise BadModelError("bytes of it are missing", name="model-incomplete")
