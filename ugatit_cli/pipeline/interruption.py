"""Ctrl-C and SIGTERM during a batch: the first asks it to finish the current pictures, the second ends it at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 1.0  # for what is under way to be put away, once the user insists


class Interruption:
    """Whether, and by which signal, the run was asked to stop."""

    def __init__(self) -> None:
        self.signal = 0

    def requested(self) -> bool:
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """As shells count: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """Python's own signal handler; it runs in the main thread, between two steps of it."""
        if self.requested():
            sys.exit(128 + number)
        self.signal = number


@contextmanager
def watch_signals(announce: Callable[[], None]) -> Iterator[Interruption]:
    """Count the signals that come while the block runs; `announce` is called, in another thread, at the first.

    A network at work can keep the main thread from hearing of a signal for many seconds. So the system also wakes a
    second thread, which ends the process if the second signal has not done so when the grace is over.
    """
    interruption = Interruption()
    awakening, wakened = socket.socketpair()
    awakening.setblocking(False)
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(wakened, announce, over), daemon=True)
    before = {number: signal.signal(number, interruption.hear) for number in SIGNALS}
    wakeup_before = signal.set_wakeup_fd(awakening.fileno(), warn_on_full_buffer=False)
    watcher.start()
    try:
        yield interruption
    finally:
        over.set()
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        awakening.close()  # what the watcher waits for
        watcher.join()
        wakened.close()


def _watch(wakened: socket.socket, announce: Callable[[], None], over: threading.Event) -> None:
    count = 0
    while byte := wakened.recv(1):  # the number of the signal
        count += byte[0] in SIGNALS
        if count == 1:
            announce()
        elif not over.wait(GRACE_SECONDS):
            os._exit(128 + byte[0])
