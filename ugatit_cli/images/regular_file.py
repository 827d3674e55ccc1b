"""The bytes of a regular file: pipes, devices and folders are never opened, huge files and strangers not read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import BadInputError, RefusedError, UsageError
from .formats import HEAD_BYTES, sniff
from .limits import MAX_BYTES


def read_file(path: Path) -> bytes:
    try:
        _require_regular(os.stat(path))  # before open: opening a device can have effects
        # without O_NONBLOCK, a pipe put there in between would block for ever
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _require_regular(status)
            if status.st_size > MAX_BYTES:
                raise RefusedError(
                    f"it is too large ({status.st_size >> 20} MB)", hint="make it smaller first", name="image-too-large"
                )
            sniff(file.read(HEAD_BYTES))  # so that a film with a picture's name is not read to its end
            file.seek(0)
            return file.read(MAX_BYTES)
    except FileNotFoundError as error:
        what = "it is a broken link: what it points to does not exist" if path.is_symlink() else "it does not exist"
        raise UsageError(what, name="input-missing") from error
    except OSError as error:
        raise BadInputError((error.strerror or str(error)).lower(), name="image-unreadable") from error


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise BadInputError("it is a folder, not a picture", name="image-not-a-file")
    if not stat.S_ISREG(status.st_mode):
        raise BadInputError("it is a pipe, socket or device, not a file", name="image-not-a-file")
