"""Silence while Pillow reads headers."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_warnings_lock = threading.Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Pillow warns of odd metadata; here it becomes a note or does not matter.

    The state of `warnings` belongs to the process, so one thread at a time: hold this for headers, not for pixels.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
