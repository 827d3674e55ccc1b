"""An output folder belongs to one run at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from ..files import lock_file, making, remove_abandoned_parts, write_error
from .journal import Journal
from .plan import Job, refuse_lookalikes

LOCK = ".ugatit.lock"


@contextmanager
def claim_outputs(jobs: Sequence[Job]) -> Iterator[dict[Path, Journal]]:
    """The output folders of `jobs`, for this run alone, without what killed runs left behind; and their journals.

    Raises:
        UsageError: two targets are one file on that disk.
        OutputError: another run holds one of the folders, or it cannot be written.
    """
    with ExitStack() as claims:
        for root in output_folders(jobs):
            claims.enter_context(claim(root))
            refuse_lookalikes([job for job in jobs if job.root == root], root)
        for folder in {target.parent for job in jobs if job.root for target in job.targets.values()}:
            remove_abandoned_parts(folder)
        yield read_journals(jobs)


def read_journals(jobs: Sequence[Job]) -> dict[Path, Journal]:
    return {root: Journal(root) for root in output_folders(jobs)}


def output_folders(jobs: Sequence[Job]) -> list[Path]:
    return sorted({job.root for job in jobs if job.root is not None})


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Make `folder` if need be and keep other runs out of it; afterwards, take it away again if it stayed empty.

    The operating system drops the lock of a killed run, so that its lock file does no harm.

    Raises:
        OutputError: another run holds it, or it cannot be written.
    """
    with making(folder):
        descriptor = _lock(folder)
        try:
            yield
        finally:
            _unlock(folder / LOCK, descriptor)


def _unlock(path: Path, descriptor: int) -> None:
    """The name goes while the lock is held, or it might be another run's by then; Windows removes nothing that is open."""
    if sys.platform == "win32":
        os.close(descriptor)
    with suppress(OSError):
        path.unlink()
    if sys.platform != "win32":
        os.close(descriptor)


def _lock(folder: Path) -> int:
    """An open file that holds the lock."""
    path = folder / LOCK
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise write_error(path, error) from error
        try:
            lock_file(descriptor)
        except BlockingIOError as error:
            os.close(descriptor)
            text = f"another run of ugatit is writing into {folder}"
            raise OutputError(
                text, hint="wait for it, or choose another folder with -o", name="output-locked"
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise write_error(path, error) from error
        if _is_still_there(descriptor, path):
            return descriptor
        os.close(descriptor)  # the run before removed it while this one waited at the door


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
