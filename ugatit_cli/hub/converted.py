"""Models of the Hub in a format that nobody runs any more: only what was made of them is kept, in the program's own cache."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from ..cache import cache_folder
from ..config import Direction
from ..files import write_atomically, writing
from .cached import lock_if_free

FORMAT = "1"  # another number when what the conversion makes changes
_LOCK_SUFFIX = ".lock"


@dataclass(frozen=True)
class Converted:
    """Beside each file: what it was made of, and its digest.

    Attributes:
        commit, source: of the repository, and the sha256 of the index that names every tensor's checksum.
        sha256: of the file that was made.
    """

    commit: str
    source: str
    sha256: str


def folder_of(repo: str) -> Path:
    return cache_folder() / "converted" / FORMAT / repo.replace("/", "--")


def path_of(repo: str, direction: Direction) -> Path:
    return folder_of(repo) / f"{direction}.safetensors"


def part_of(repo: str, direction: Direction) -> Path:
    """What came so far of the download that it is made from."""
    return path_of(repo, direction).with_suffix(".spans.incomplete")


def lock_of(repo: str, direction: Direction) -> Path:
    """What whoever makes or removes it locks."""
    return path_of(repo, direction).with_suffix(_LOCK_SUFFIX)


def read_converted(repo: str, direction: Direction) -> Converted | None:
    """None where it was not made yet, or the record is damaged: it can be made again."""
    path = path_of(repo, direction)
    try:
        found = Converted(**json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if path.is_file() else None


def record_converted(repo: str, direction: Direction, record: Converted) -> None:
    """Raises OutputError or ResourceError where it cannot be written."""
    path = path_of(repo, direction).with_suffix(".json")
    write_atomically(path, json.dumps(asdict(record), indent=1).encode())


def converted_files(repo: str) -> list[tuple[Path, str]]:
    """Those that are here, each with the sha256 that it must have."""
    found = []
    for direction in get_args(Direction):
        record = read_converted(repo, direction)
        if record is not None:
            found.append((path_of(repo, direction), record.sha256))
    return found


def begun_conversion_bytes(repo: str) -> int:
    """What came of downloads that broke off or go on just now."""
    total = 0
    for direction in get_args(Direction):
        with suppress(FileNotFoundError):
            total += part_of(repo, direction).stat().st_size
    return total


def remove_converted(repo: str) -> int:
    """All but a direction that another program is at; the bytes that are free then, begun downloads included. Raises OutputError."""
    folder, freed = folder_of(repo), 0
    if not folder.is_dir():
        return 0
    with writing(folder), ExitStack() as stack:
        busy = {each for each in get_args(Direction) if not lock_if_free(lock_of(repo, each), stack)}
        for path in _files_but_of(busy, folder):
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def _files_but_of(busy: set[Direction], folder: Path) -> list[Path]:
    """All but the locks; a half-written file does not say which direction's it is."""
    kept = {*busy, ""} if busy else set()
    files = [path for path in folder.iterdir() if path.suffix != _LOCK_SUFFIX]
    return [path for path in files if path.name.partition(".")[0] not in kept]
