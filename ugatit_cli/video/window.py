"""The stretch of a film that is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Window:
    """From `start` to before `end`, in seconds; None is the film's own end. What is kept is moved so that `start` is 0."""

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def first(self, time_base: Fraction) -> int:
        """The first tick that is in it; 0 stands for "everything", earlier times included."""
        return -(-self.start // time_base)

    def holds(self, pts: int, time_base: Fraction) -> bool:
        """Whether what is shown from `pts` on begins before the end."""
        return self.end is None or pts * time_base < self.end

    def offset(self, time_base: Fraction) -> int:
        """What is taken off times."""
        return round(self.start / time_base)
