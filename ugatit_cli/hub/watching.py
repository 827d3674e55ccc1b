"""How the news of a download reach whoever waits for it; `Console` is such a watcher."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Watcher(Protocol):
    """Whom a download tells how it goes."""

    def note(self, text: str) -> None:
        """One sentence."""

    def transfer(self, name: str, total: int, done: int) -> AbstractContextManager[Callable[[int], None]]:
        """Gives a function to call with the number of bytes that came; `done` of `total` are there already."""


class Unwatched:
    """For who does not want to know."""

    def note(self, text: str) -> None: ...

    @contextmanager
    def transfer(self, name: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
        yield lambda count: None
