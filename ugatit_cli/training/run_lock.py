"""A run belongs to one training process at a time, which first puts away what killed ones left in it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import BadModelError, OutputError
from ..files import remove_abandoned_parts, writing
from ..pipeline.claim import LOCK, claim
from .best import mend_best, read_best
from .checkpoint_files import remove_left_overs
from .run_config import read_config

_HOLDER = re.compile(rb"process \d{1,20} on [\w.-]{1,255}")
_LOCKED_BYTES = 1  # where locks are files' bytes (Windows), nobody else can read the first one


@contextmanager
def hold(run: Path) -> Iterator[None]:
    """Keep other processes from training `run`, which is made if need be, and make good what a kill interrupted.

    The lock of a killed process is dropped by the operating system.

    Raises:
        OutputError: another process holds it (the message says which), or it cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(claim(run))
        except OutputError as error:
            if error.name == "output-locked":
                raise _held(run) from error
            raise
        with writing(run):
            _leave_name(run / LOCK)
            _tidy(run)
        yield


def _held(run: Path) -> OutputError:
    return OutputError(
        f"{_read_name(run / LOCK)} is training {run} already",
        hint="wait for it to end, or train into another folder with --out",
        name="run-locked",
    )


def _leave_name(lock: Path) -> None:
    with lock.open("r+b", buffering=0) as file:
        file.seek(_LOCKED_BYTES)
        file.write(f"process {os.getpid()} on {platform.node()}\n".encode())
        file.truncate()


def _read_name(lock: Path) -> str:
    with suppress(OSError), lock.open("rb", buffering=0) as file:
        file.seek(_LOCKED_BYTES)
        if match := _HOLDER.match(file.read(400)):
            return match[0].decode()
    return "another process"


def _tidy(run: Path) -> None:
    remove_left_overs(run)
    for folder in (run, run / "samples"):
        remove_abandoned_parts(folder)
    if read_best(run) is not None:
        with suppress(BadModelError):  # whoever needs the settings says what is wrong with them
            mend_best(run, read_config(run).generator)
