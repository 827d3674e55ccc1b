"""The stretch of a film that is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

LEAST_TICKS: Final = 10_000  # a second


@dataclass(frozen=True)
class Window:
    """From `start` to before `end`, in seconds; None is the film's own end. What is kept is moved so that `start` is 0.

    Attributes:
        zero: when the film begins by its own clock; `start` and `end` are counted from there.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    zero: Fraction = Fraction(0)

    @property
    def begin(self) -> Fraction:
        """By the film's own clock."""
        return self.zero + self.start

    def first(self, time_base: Fraction) -> int | None:
        """The first tick that is in it; None where it begins with the film."""
        return -(-self.begin // time_base) if self.start else None

    def last(self, time_base: Fraction) -> int | None:
        """The tick at which it ends."""
        return None if self.end is None else round((self.zero + self.end) / time_base)

    def holds(self, pts: int, time_base: Fraction) -> bool:
        """Whether what is shown from `pts` on begins before the end."""
        return self.end is None or pts * time_base < self.zero + self.end

    def is_over(self, end: int, time_base: Fraction) -> bool:
        """Whether what is shown until `end` is over when the stretch begins."""
        return bool(self.start) and end * time_base <= self.begin

    def offset(self, time_base: Fraction) -> int:
        """What is taken off times."""
        return round(self.begin / time_base)

    def moved(self, ticks: int, time_base: Fraction) -> int:
        """A time in `time_base` as one in the result, in ticks of `fine(time_base)`."""
        return in_fine(ticks, time_base) - self.offset(fine(time_base))


def fine(time_base: Fraction) -> Fraction:
    """A unit of which `time_base` is a multiple, 0.1 ms at most: rounded in it, pictures and sound stay in step."""
    ticks = time_base.denominator
    while ticks < LEAST_TICKS:
        ticks *= 2  # as FFmpeg's writer of MP4 does, so that its times are exact
    return Fraction(1, ticks)


def in_fine(ticks: int, time_base: Fraction) -> int:
    """A time or duration in ticks of `fine(time_base)`."""
    return int(ticks * time_base / fine(time_base))
