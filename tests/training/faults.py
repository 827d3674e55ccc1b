"""What can happen at any call that changes files: it fails, or the process is killed.

The calls are counted by a profile function, so whatever the code under test uses is met, with nothing replaced.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

CHANGES = {"mkdir", "write", "fsync", "replace", "unlink", "rmdir"}
NEED_SPACE = {"mkdir", "write", "flush", "fsync", "replace"}


@contextmanager
def before_call(names: set[str], action: Callable[[str], None]) -> Iterator[None]:
    """Do `action` before every call of a C function of one of these names, in this thread."""

    def watch(_frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and function.__name__ in names:
            action(function.__name__)

    former = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(former)


class Countdown:
    """An action that does nothing until the call with this number, from 1."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self.left, self.act = number, act

    def __call__(self, _name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def calls_of(names: set[str], work: Callable[[], object]) -> list[str]:
    """The names of the calls that `work` makes, in their order."""
    calls: list[str] = []
    with before_call(names, calls.append):
        work()
    return calls


def worth_trying(calls: list[str], *, writes: int) -> list[int]:
    """Numbers of all calls but writes, and of that many writes spread over the rest: a file has hundreds of them."""
    plain = [number for number, name in enumerate(calls, 1) if name == "write"]
    chosen = plain[:: max(1, len(plain) // writes)]
    return sorted({number for number, name in enumerate(calls, 1) if name != "write"} | set(chosen))
