"""Times that step back, as where recordings were put one behind the other, go on instead."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av

from .reading import DEFAULT_RATE

PART: Final = Fraction(1, 10)  # seconds; what steps back less far is out of order, not in another recording


@dataclass
class Clock:
    """One stream's.

    Attributes:
        offset: what is added to its times, in seconds.
        part: how many recordings went before.
        last, end: when the last packet was, and until when it lasted, with the offset.
    """

    offset: Fraction = Fraction(0)
    part: int = 0
    last: Fraction | None = None
    end: Fraction = Fraction(0)


class Mending:
    """For all streams of a file.

    In every recording, they go with the pictures as soon as those have begun it, so that they stay in step with them;
    until then each goes on where it ended itself.
    """

    def __init__(self, film: Any) -> None:
        self._clocks: defaultdict[int, Clock] = defaultdict(Clock)
        self._film = self._clocks[film.index]
        self._frame = 1 / Fraction(film.average_rate or film.guessed_rate or DEFAULT_RATE)

    def mend(self, packet: av.Packet) -> bool:
        """Set the packet's times right; whether another recording begins with it. It has a time of decoding."""
        assert packet.dts is not None
        time_base = Fraction(packet.time_base)
        clock, time = self._clocks[packet.stream.index], packet.dts * time_base
        is_shown = not packet.is_discard  # what is not may lie far back: it only leads up to a place in an edit list
        begins = is_shown and clock.last is not None and time + clock.offset < clock.last - PART
        if begins:
            clock.part, clock.offset = clock.part + 1, clock.end - time
        if clock.part == self._film.part:
            clock.offset = self._film.offset
        shift = round(clock.offset / time_base)
        packet.dts += shift
        packet.pts = None if packet.pts is None else packet.pts + shift
        if is_shown:
            clock.last = packet.dts * time_base
            clock.end = clock.last + (self._frame if clock is self._film else (packet.duration or 0) * time_base)
        return begins
