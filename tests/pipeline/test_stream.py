"""Order, bounds and endings of the hand-over between threads."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ugatit_cli.pipeline.stream import BACKGROUND, in_order


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 4), st.integers(0, 5))
def test_results_come_in_the_order_of_the_items(delays: list[int], threads: int, ahead: int) -> None:
    def work(item: tuple[int, int]) -> int:
        time.sleep(item[1] / 5000)
        return item[0]

    assert list(in_order(work, enumerate(delays), threads=threads, ahead=ahead)) == list(range(len(delays)))


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_no_more_than_asked_for_is_ahead_of_the_consumer(ahead: int) -> None:
    asked = 0

    def items() -> Iterator[int]:
        nonlocal asked
        for number in range(100):
            asked += 1
            yield number

    release = threading.Event()
    results = in_order(lambda number: release.wait(5) and number, items(), threads=2, ahead=ahead)
    threading.Timer(0.05, release.set).start()
    assert next(results) == 0
    assert asked <= ahead + 1
    for taken, number in enumerate(results, start=2):
        assert asked - taken <= ahead + 1, number
    assert asked == 100


def test_the_next_item_is_worked_on_while_the_consumer_holds_this_one() -> None:
    begun = [threading.Event(), threading.Event()]
    results = in_order(lambda number: begun[number].set(), [0, 1], threads=1, ahead=1)
    next(results)
    assert begun[1].wait(5)


def test_an_exception_of_the_source_comes_after_the_good_items() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise OSError("the source broke")

    def work(number: int) -> int:
        time.sleep(0.01)
        return number

    taken = []
    with pytest.raises(OSError, match="the source broke"):
        for number in in_order(work, items(), threads=2, ahead=5):
            taken.append(number)
    assert taken == [0, 1, 2]


def test_an_exception_of_the_work_comes_at_its_place() -> None:
    taken = []
    with pytest.raises(ZeroDivisionError):
        for number in in_order(lambda number: number and 6 // (number - 3) and number, range(9), threads=3, ahead=4):
            taken.append(number)
    assert taken == [0, 1, 2]


def test_closing_ends_the_threads_and_the_source() -> None:
    before = threading.active_count()
    begun: list[int] = []
    closed: list[bool] = []

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    results = in_order(begun.append, items(), threads=2, ahead=3)
    next(results)
    results.close()
    at_close = len(begun)
    time.sleep(0.02)
    assert (threading.active_count(), closed, len(begun)) == (before, [True], at_close)
    assert at_close <= 4


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere priorities belong to processes")
def test_threads_in_the_background_give_way_and_the_callers_does_not() -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    seen = list(in_order(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), [0], threads=1, ahead=0))
    assert seen == [max(own, BACKGROUND)] and os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
