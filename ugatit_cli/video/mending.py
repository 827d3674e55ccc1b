"""Times that step back, as where recordings were put one behind the other, go on instead."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av

from .reading import DEFAULT_RATE
from .timestamps import PART

STAMPED: Final = Fraction(
    7, 10
)  # seconds of sound that one time can stand for in a transport stream (ISO/IEC 13818-1, 2.7.4)
MOST_AHEAD: Final = 300  # packets: some seconds


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


class Ahead:
    """Packets in their order, of which those to come can be looked at."""

    def __init__(self, packets: Iterable[av.Packet]) -> None:
        self._packets = iter(packets)
        self._waiting: deque[av.Packet] = deque()

    def __iter__(self) -> Iterator[av.Packet]:
        while (packet := self._waiting.popleft() if self._waiting else next(self._packets, None)) is not None:
            yield packet

    def of(self, stream: int) -> Iterator[av.Packet]:
        """Those to come that have a time, as far as `MOST_AHEAD` packets of all streams go."""
        for place in range(MOST_AHEAD):
            if place == len(self._waiting):
                packet = next(self._packets, None)
                if packet is None:
                    return
                self._waiting.append(packet)
            if self._waiting[place].stream.index == stream and self._waiting[place].dts is not None:
                yield self._waiting[place]


class Mending:
    """For all streams of a file.

    In every recording, they go with the pictures as soon as those have begun it, so that they stay in step with them;
    until then each goes on where it ended itself.

    Attributes:
        begins_again: whether there was another recording.
    """

    def __init__(self, film: Any) -> None:
        self.begins_again = False
        self._clocks: defaultdict[int, Clock] = defaultdict(Clock)
        self._film = self._clocks[film.index]
        self._frame = 1 / Fraction(film.average_rate or film.guessed_rate or DEFAULT_RATE)

    def mended(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """All of them in their order, with their times set right."""
        ahead = Ahead(packets)
        for packet in ahead:
            if packet.dts is not None:
                self._mend(packet, ahead)
            yield packet

    def _mend(self, packet: av.Packet, ahead: Ahead) -> None:
        clock, time, time_base = self._clocks[packet.stream.index], _time(packet), Fraction(packet.time_base)
        is_shown = not packet.is_discard  # what is not may lie far back: it only leads up to a place in an edit list
        is_astray = is_shown and self._is_astray(clock, packet, ahead)
        if is_shown and not is_astray and clock.last is not None and time + clock.offset < clock.last - PART:
            clock.part, clock.offset, self.begins_again = clock.part + 1, clock.end - time, True
        if clock.part == self._film.part:
            clock.offset = self._film.offset
        shift = round((clock.end - time if is_astray else clock.offset) / time_base)
        packet.dts = (packet.dts or 0) + shift
        packet.pts = None if packet.pts is None else packet.pts + shift
        if is_shown:
            clock.last = _time(packet)
            clock.end = clock.last + self._lasting(clock, packet)

    def _is_astray(self, clock: Clock, packet: av.Packet, ahead: Ahead) -> bool:
        """Whether only this packet has a wrong time, or it and those that were stamped together with it: what comes behind
        them goes on where what was before ended."""
        time = _time(packet)
        if clock.last is None or clock.last - PART <= time + clock.offset <= clock.end + PART:
            return False
        lasting = self._lasting(clock, packet)
        most = lasting if clock is self._film else max(STAMPED, lasting)
        for other in ahead.of(packet.stream.index):
            if lasting > most:
                return False
            if abs(_time(other) - time - lasting) > PART:
                return abs(_time(other) + clock.offset - clock.end - lasting) <= PART
            lasting += self._lasting(clock, other)
        return False

    def _lasting(self, clock: Clock, packet: av.Packet) -> Fraction:
        """Seconds. Pictures may not say, and lie as far apart as they mostly do."""
        return self._frame if clock is self._film else (packet.duration or 0) * Fraction(packet.time_base)


def _time(packet: av.Packet) -> Fraction:
    assert packet.dts is not None
    return packet.dts * Fraction(packet.time_base)
