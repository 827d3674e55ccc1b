"""Models of the Hub in a format that nobody runs any more: only what was made of them is kept, in the program's own cache."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from ..cache import cache_folder
from ..config import Direction
from ..files import write_atomically, writing

FORMAT = "1"  # another number when what the conversion makes changes


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


def remove_converted(repo: str) -> int:
    """The bytes that are free then, those of a download that was begun included. Raises OutputError."""
    folder = folder_of(repo)
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    with writing(folder), suppress(FileNotFoundError):
        shutil.rmtree(folder)
    return freed
