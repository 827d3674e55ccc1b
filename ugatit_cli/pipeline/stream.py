"""Bounded, ordered hand-over between threads: memory does not grow with the number of items."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from typing import TypeVar, cast

BACKGROUND = 15  # the niceness of threads in the background; 19 is the most

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """`function` of every item, computed by `threads` in the background, given out in the order of `items`.

    At most `ahead` + 1 items are under way or waiting to be taken. `items` is only ever asked in the caller's thread.
    An exception, of `items` or of `function`, arrives after the results that come before it. Closing the iterator
    cancels what has not begun, waits for what has, and closes `items`.
    """
    pool = ThreadPoolExecutor(threads, initializer=_give_way)
    waiting: deque[Future[Result]] = deque()
    source = iter(items)
    try:
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except Exception:
                yield from _results(waiting)
                raise
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        yield from _results(waiting)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        close(source)


def in_background(items: Iterable[Item], *, ahead: int) -> Generator[Item, None, None]:
    """`items`, asked for in a thread of its own, at most `ahead` + 1 of them before they are wanted.

    An exception of `items` arrives after what came before it. Closing the iterator ends the thread and closes `items`.
    """
    source = iter(items)
    end = object()
    given = in_order(lambda _: next(source, end), repeat(None), threads=1, ahead=ahead)
    try:
        for item in given:
            if item is end:
                return
            yield cast(Item, item)
    finally:
        given.close()
        close(source)


def close(items: Iterable[object]) -> None:
    """End a generator now, threads and all, instead of when it happens to be collected."""
    end = getattr(items, "close", None)
    if end is not None:
        end()


def _give_way() -> None:
    """Where the system can (Linux): this thread, and those that it starts, only get what the caller's leaves of the processor.

    What is computed in parallel waits for its slowest part, so a thread that is interrupted for a moment stops all the others.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # forbidden to begin with: then it is as if there were no priorities
            os.setpriority(os.PRIO_PROCESS, thread, max(BACKGROUND, os.getpriority(os.PRIO_PROCESS, thread)))


def _results(waiting: deque[Future[Result]]) -> Iterator[Result]:
    while waiting:
        yield waiting.popleft().result()
