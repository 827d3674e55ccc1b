"""The hidden folder of finished segments: a killed run goes on from the last of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError
from ..files import remove_abandoned_parts, replacing, sha256_of, write_atomically
from ..pipeline.claim import claim
from ..pipeline.journal import JOURNAL, Journal, Origin, Record
from ..pipeline.plan import Kind
from ..video.segments import SegmentFacts, read_facts

State = dict[str, NDArray[np.generic]]


@dataclass
class Work:
    """The segments of one film, each of which has a file for every output, and one with the state after it.

    Attributes:
        done: how many are finished.
        frames: how many source frames they hold.
        damaged: packets of the source that could not be decoded.
        transparent: whether anything in them was.
    """

    folder: Path
    origin: Origin
    kinds: Sequence[Kind]
    done: int = 0
    frames: int = 0
    damaged: int = 0
    transparent: bool = False
    last: SegmentFacts | None = None
    _journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self._journal = Journal(self.folder)

    def find(self) -> None:
        """Count the segments that are whole and made from the same things; remove all others."""
        while all(self._is_whole(path) for path in self._files(self.done)):
            self._count(read_facts(self.segment(self.done, self.kinds[0])))
        kept = {path for number in range(self.done) for path in self._files(number)}
        for path in self.folder.glob("[0-9]*.*"):
            if path not in kept:
                path.unlink()

    def segment(self, number: int, kind: Kind) -> Path:
        return self.folder / f"{number:06}.{kind}"

    def segments(self, kind: Kind) -> list[Path]:
        return [self.segment(number, kind) for number in range(self.done)]

    @contextmanager
    def new_segment(self, kind: Kind) -> Iterator[Path]:
        """A file for the block to fill, which becomes the segment after those that are done."""
        path = self.segment(self.done, kind)
        with replacing(path, check=partial(self.remember, path.name)) as part:
            yield part

    def end_segment(self, facts: SegmentFacts, state: State) -> None:
        """To be called when the files of all kinds are there."""
        buffer = BytesIO()
        np.savez(buffer, allow_pickle=False, **state)
        path = self._state(self.done)
        write_atomically(path, buffer.getvalue(), check=partial(self.remember, path.name))
        self._count(facts)

    def last_state(self) -> State:
        if not self.done:
            return {}
        with np.load(self._state(self.done - 1), allow_pickle=False) as arrays:
            return dict(arrays)

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def remember(self, name: str, part: Path) -> None:
        """That a file of this name is made by this run, and is what `part` is now."""
        self._journal.add(self.folder / name, Record(self.origin, sha256_of(part)))

    def remember_folder(self, name: str) -> None:
        """That this run, and no one else, fills a folder of this name from now on."""
        self._journal.add(self.folder / name, Record(self.origin, sha256=""))

    def _count(self, facts: SegmentFacts) -> None:
        self.done, self.frames, self.damaged = self.done + 1, self.frames + facts.frames, self.damaged + facts.damaged
        self.transparent = self.transparent or facts.transparent
        self.last = facts

    def _files(self, number: int) -> list[Path]:
        return [*(self.segment(number, kind) for kind in self.kinds), self._state(number)]

    def _state(self, number: int) -> Path:
        return self.folder / f"{number:06}.state"

    def _is_whole(self, path: Path) -> bool:
        record = self._journal.find(path)
        return (
            record is not None and record.origin == self.origin and path.is_file() and sha256_of(path) == record.sha256
        )


@contextmanager
def hold(folder: Path, target: Path, *, resume: bool) -> Iterator[None]:
    """Keep other runs from making `target`; without `resume`, what an earlier one left is removed first.

    Raises:
        OutputError: another run is making it, or the folder cannot be written.
    """
    try:
        with claim(folder):
            if not resume:
                empty(folder)
            remove_abandoned_parts(folder)
            yield
        with suppress(OSError):  # segments of an interrupted run stay
            folder.rmdir()
    except OutputError as error:
        if error.name != "output-locked":
            raise
        text = f"another run of ugatit is making {target}"
        raise OutputError(text, hint="wait for it, or choose another name", name=error.name) from error


def empty(folder: Path) -> None:
    """Forget all segments; the folder itself goes with the lock."""
    for path in [*folder.glob("[0-9]*.*"), folder / JOURNAL]:
        with suppress(FileNotFoundError):
            path.unlink()
