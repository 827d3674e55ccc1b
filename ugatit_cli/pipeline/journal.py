"""What was made from what: an append-only list in the output folder, by which an interrupted run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import OutputError
from ..files import sha256_of, write_error

JOURNAL = ".ugatit-journal.jsonl"


@dataclass(frozen=True)
class Origin:
    """What the bytes of an output follow from.

    Attributes:
        input_bytes, input_mtime_ns: of the source file.
        model: the model file's sha256.
        settings: `Settings.digest()`.
    """

    input_bytes: int
    input_mtime_ns: int
    model: str
    settings: str


@dataclass(frozen=True)
class Record:
    """One output.

    Attributes:
        origin: what it follows from.
        sha256: of its bytes.
        input: where its source lies, links followed; None in lines that older versions wrote.
        input_sha256: of the source's bytes; None where it was gone by then.
    """

    origin: Origin
    sha256: str
    input: str | None = None
    input_sha256: str | None = None

    def is_of(self, source: Path) -> bool:
        """Whether it was made from `source`, which may have moved or changed since then, but not both."""
        return self.input in (None, os.path.realpath(source)) or self.input_sha256 == _content(source)


def record_of(output: Path, source: Path, origin: Origin) -> Record:
    """Raises OSError where `output` cannot be read."""
    return Record(origin, sha256_of(output), os.path.realpath(source), _content(source))


def _content(source: Path) -> str | None:
    """Its sha256; None of what cannot be read, and of a pipe, which would have to be waited for."""
    with suppress(OSError):
        return sha256_of(source) if source.is_file() else None
    return None


class Journal:
    """The records of one output folder, by file: the last of each at hand, all earlier ones where their lines are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / JOURNAL
        self._records: dict[str, Record] = {}
        self._places: dict[str, list[int]] = {}  # where in the file the lines of a name begin
        for place, key, record in _read(self._path):
            self._know(place, key, record)

    def __len__(self) -> int:
        return len(self._records)

    def find(self, target: Path) -> Record | None:
        """The last one."""
        return self._records.get(self._key(target))

    def find_content(self, target: Path, sha256: str) -> Record | None:
        """The last one of these bytes: a kill may have kept those of later ones from getting the name.

        Raises:
            OutputError: the journal cannot be read.
        """
        last = self.find(target)
        if last is None or last.sha256 == sha256:
            return last
        with suppress(FileNotFoundError), _reading(self._path) as file:
            for place in reversed(self._places[self._key(target)][:-1]):
                file.seek(place)
                parsed = _parse(file.readline())
                if parsed is not None and parsed[1].sha256 == sha256:
                    return parsed[1]
        return None

    def add(self, target: Path, record: Record) -> None:
        """Append a record and wait until it is on the disk.

        To be called when the output's bytes are there but have not got their name yet. A kill in between leaves a
        record without a file, or with the file of an earlier one, which the next run sees; the other order would leave
        a file that nobody knows.

        Raises:
            OutputError, ResourceError: it cannot be written.
        """
        key = self._key(target)
        values = asdict(record)
        line = json.dumps({"file": key, **values.pop("origin"), **values}).encode("ascii") + b"\n"
        try:
            with open(self._path, "ab+", opener=_through_no_link) as file:
                file.write(b"" if _ends_a_line(self._path) else b"\n")
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
                place = file.tell() - len(line)
        except OSError as error:
            raise write_error(self._path, error) from error
        self._know(place, key, record)

    def _know(self, place: int, key: str, record: Record) -> None:
        self._records[key] = record
        self._places.setdefault(key, []).append(place)

    def _key(self, target: Path) -> str:
        return target.relative_to(self._folder).as_posix()


def _through_no_link(path: str, flags: int) -> int:
    """A folder from elsewhere may hold a link in the journal's place, to a file that is none of ours."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _ends_a_line(path: Path) -> bool:
    """False after a kill in the middle of a line."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _read(path: Path) -> Iterator[tuple[int, str, Record]]:
    """Each with the place where its line begins; one that is cut off or strange is as good as none."""
    place = 0
    with suppress(FileNotFoundError), _reading(path) as file:
        for line in file:
            parsed = _parse(line)
            if parsed is not None:
                yield place, *parsed
            place += len(line)


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        text = f"cannot read the list of finished pictures {path}: {reason}"
        raise OutputError(text, hint="choose another folder with -o", name="journal-unreadable") from error


def _parse(line: bytes) -> tuple[str, Record] | None:
    try:
        values: Any = json.loads(line)
        name, sha256 = str(values.pop("file")), str(values.pop("sha256"))
        source = values.pop("input", None), values.pop("input_sha256", None)
        return name, Record(Origin(**values), sha256, *source)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
