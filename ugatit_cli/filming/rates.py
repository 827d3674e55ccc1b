"""Another frame rate: frames are left out or shown again, so that everything stays at its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, pairwise
from math import ceil

from ..video.frames import Frame


def at_rate(frames: Iterable[Frame], time_base: Fraction, rate: Fraction) -> Iterator[Frame]:
    """One frame for every tick of `rate`: the last that has begun by then, give or take half a tick.

    `time_base` is that of `frames`; that of the result is 1 / `rate`.
    """
    ticks = time_base * rate
    damaged = 0
    for frame, following in pairwise(chain(frames, [None])):
        assert frame is not None
        end = frame.pts + frame.duration if following is None else following.pts
        damaged += frame.damaged
        for tick in range(_tick(frame.pts * ticks), _tick(end * ticks)):
            yield replace(frame, pts=tick, duration=1, damaged=damaged)
            damaged = 0


def _tick(time: Fraction) -> int:
    return ceil(time - Fraction(1, 2))
