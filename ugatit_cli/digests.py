"""The sha256 of large files, remembered for as long as they stay what they are: a gigabyte takes a second to read."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from .cache import cache_folder
from .errors import UgatitError
from .files import sha256_of, write_atomically

LARGE = 16 << 20  # bytes; what is smaller is read faster than it is looked up with care
SETTLED = 2.0  # seconds since the last change: clocks of file systems are coarse, and a file may change twice in a tick


def remembered_sha256(path: Path) -> str:
    """Of a whole file, 64 hexadecimal digits, read only if it is not the one that was read last time. Raises OSError."""
    status = path.stat()
    if status.st_size < LARGE:
        return sha256_of(path)
    identity = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    record = _record(path)
    with suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(record.read_text(encoding="utf-8"))
        if found["identity"] == identity:
            return str(found["sha256"])
    sha256 = sha256_of(path)
    if time.time() - max(status.st_mtime, status.st_ctime) > SETTLED:
        _remember(record, {"identity": identity, "sha256": sha256})
    return sha256


def _record(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return cache_folder() / "digests" / f"{name}.json"


def _remember(record: Path, values: dict[str, object]) -> None:
    with suppress(OSError, UgatitError):  # a cache that cannot be written costs time, nothing else
        record.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(record, json.dumps(values).encode())
