"""How often a transfer that breaks off is taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable

from .client import InterruptedTransferError, UnreachableError, UnwellError

FRUITLESS_ATTEMPTS = 4  # in a row, each with less than a megabyte
FRUITFUL_BYTES = 1 << 20
PAUSE_SECONDS = 1.0
_PASSING = (InterruptedTransferError, UnreachableError, UnwellError)


def persist(attempt: Callable[[], None], done: Callable[[], int]) -> None:
    """Make attempts until one succeeds, as long as they bring something; `done` counts the bytes that are there.

    Raises:
        NetworkError: the last attempt's, or one that another attempt would not mend.
    """
    fruitless = 0
    while True:
        before = done()
        try:
            return attempt()
        except _PASSING:
            fruitless = 0 if done() - before >= FRUITFUL_BYTES else fruitless + 1
            if fruitless == FRUITLESS_ATTEMPTS:
                raise
            time.sleep(PAUSE_SECONDS * fruitless)
