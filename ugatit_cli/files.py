"""Files that are whole or not there: every file this program makes is written through here."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError, ResourceError

DISK_FULL = "disk-full"  # the name of that error
PART_SUFFIX = ".ugatit-part"
_NAME_BYTES = 6
_PARTS = f".{'[0-9a-f]' * 2 * _NAME_BYTES}{PART_SUFFIX}"  # ours, and no name like it
_ABANDONED_SECONDS = 24 * 3600


def write_atomically(path: Path, data: bytes, *, check: Callable[[Path], None] | None = None) -> None:
    """Put `data` at `path`, replacing what is there, so that no reader ever sees half of it.

    Raises:
        ResourceError: the disk is full.
        OutputError: the folder cannot be written.
    """
    binary = getattr(os, "O_BINARY", 0)  # without it, Windows would turn every byte 10 into two
    with replacing(path, check=check) as part, os.fdopen(os.open(part, os.O_WRONLY | binary), "wb") as file:
        file.write(data)


@contextmanager
def replacing(path: Path, *, check: Callable[[Path], None] | None = None, folder: Path | None = None) -> Iterator[Path]:
    """An empty file with a fresh hidden name, for the block to fill; it becomes `path` at the end.

    It lies in the same folder, or in another one of the same disk. What was written reaches the disk, passes `check`
    (which raises to refuse it), and only then gets its name, which reaches the disk as well. After an exception nothing
    is left.

    Raises:
        ResourceError: the disk is full.
        OutputError: the folder cannot be written.
    """
    # never derived from the name: that may be 255 bytes long already
    part = (folder or path.parent) / f".{secrets.token_hex(_NAME_BYTES)}{PART_SUFFIX}"
    held: int | None = None
    try:
        held = _make_and_hold(part)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if check is not None:
            check(part)
        os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        # a folder that is no folder, or cannot be written, refuses this too, and would hide why
        with suppress(OSError):
            part.unlink()
        if held is not None:
            os.close(held)


def _make_and_hold(part: Path) -> int | None:
    """A new file, and a lock on it that the operating system drops when this process ends; Windows removes nothing that is open
    anyway, and renames nothing that is."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    if sys.platform == "win32":
        os.close(descriptor)
        return None
    with suppress(OSError):  # some network file systems have no locks
        lock_file(descriptor)
    return descriptor


@contextmanager
def making(folder: Path) -> Iterator[None]:
    """Make `folder` and those above it that are missing; after the block, take away again what stayed empty.

    Raises:
        OutputError, ResourceError: it cannot be made.
    """
    missing: list[Path] = []
    try:
        with writing(folder):
            missing = [path for path in (folder, *folder.parents) if not path.exists()]
            for path in reversed(missing):
                path.mkdir(exist_ok=True)
        yield
    finally:
        for path in missing:
            with suppress(OSError):  # not empty: that is what it was made for
                path.rmdir()


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk: the journal relies on it, as a record says that its file outlasts a crash."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders; elsewhere one may be writable and yet not readable
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems have no such thing for folders
            raise
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses while `path` is made or changed into the user's error."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> OutputError | ResourceError:
    """What an operating-system error on writing `path` means to the user."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError(
            f"cannot write {path}: the disk is full", hint="free some space; finished files are kept", name=DISK_FULL
        )
    return OutputError(f"cannot write {path}: {(error.strerror or str(error)).lower()}", name="output-unwritable")


def remove_abandoned_parts(folder: Path) -> None:
    """Delete the half-written files that killed runs left in `folder`; those of runs that live are held."""
    for part in folder.glob(_PARTS):
        with suppress(OSError):  # one that cannot be deleted does no harm
            descriptor = os.open(part, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                if sys.platform != "win32":
                    lock_file(descriptor)
            finally:
                os.close(descriptor)
            part.unlink()


def remove_old_parts(folder: Path) -> None:
    """Delete the half-written files and folders that killed runs left in `folder`, which has no lock: once they are a day
    old, and so nobody's any more."""
    for part in folder.glob(_PARTS):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(part) if part.is_dir() else part.unlink()


if sys.platform == "win32":
    import msvcrt

    def lock_file(descriptor: int) -> None:
        """Until it is closed, or the process ends. Raises BlockingIOError if somebody holds it, OSError."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError from error
else:
    import fcntl

    def lock_file(descriptor: int) -> None:
        """Until it is closed, or the process ends. Raises BlockingIOError if somebody holds it, OSError."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sha256_of(path: Path) -> str:
    """Of a whole file, 64 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
