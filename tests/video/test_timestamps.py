"""Times of pictures that cannot be right, and clocks that begin before zero."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from films import PICTURES, Film, move, stamp_anew

from ugatit_cli.video.reading import VideoSource

STEP = 3000  # ticks
BEFORE_THE_CLOCK_WRAPS = Fraction(2**33, 90_000) - 1  # seconds: a transport stream counts in 33 bits


def recording(path: Path) -> Path:
    return Film(frames=30).make(path)


def times(path: Path) -> list[int]:
    """Since the first, in ticks."""
    found = [frame.pts for frame in VideoSource(path).frames()]
    return [time - found[0] for time in found]


@pytest.mark.parametrize(
    "change",
    [
        lambda number, time: time - STEP * (number % 5 == 3),
        lambda number, time: time - STEP * 4 // 3 * (number % 5 == 3),
        lambda number, time: time - 60_000 * (number == 20),
        lambda number, time: time ^ (1 << 18) * (number == 10),
    ],
    ids=["doubled", "a little back", "far back", "one bit"],
)
def test_a_wrong_time_moves_no_other(tmp_path: Path, change: Callable[[int, int], int]) -> None:
    source = stamp_anew(recording(tmp_path / "a.ts"), PICTURES, change)
    assert times(source) == [STEP * number for number in range(30)]


def test_times_that_are_doubled_again_and_again_stay_in_order(tmp_path: Path) -> None:
    def change(number: int, time: int) -> int:
        return time - STEP * max(0, number % 10 - 6)

    found = times(stamp_anew(recording(tmp_path / "a.ts"), PICTURES, change))
    assert found == sorted(set(found))
    kept = [number for number in range(30) if number % 10 < 7]
    assert [found[number] for number in kept] == [STEP * number for number in kept]


def test_what_follows_a_wrong_time_is_not_found_by_its_time_alone(tmp_path: Path) -> None:
    source = VideoSource(
        stamp_anew(recording(tmp_path / "a.ts"), PICTURES, lambda number, time: time - STEP * (number == 20))
    )
    assert [source.exact for _ in source.frames()] == [True] * 19 + [False] * 11


@pytest.mark.parametrize("from_the_beginning", [False, True])
def test_a_recording_may_begin_before_its_clock_does(tmp_path: Path, from_the_beginning: bool) -> None:
    film = Film(frames=60).make(tmp_path / "plain.ts")
    source = VideoSource(move(film, tmp_path / "a.ts", BEFORE_THE_CLOCK_WRAPS))
    whole = list(source.frames())
    assert len(whole) == 60
    assert whole[0].pts < 0 < whole[-1].pts
    assert source.facts.zero == whole[0].pts * source.facts.time_base
    assert whole[30].pts == 0, "from which reading can begin, too"
    for first in (1, 30, 31, 59):
        part = source.frames(whole[first].pts, from_the_beginning=from_the_beginning)
        assert [frame.pts for frame in part] == [frame.pts for frame in whole[first:]]
