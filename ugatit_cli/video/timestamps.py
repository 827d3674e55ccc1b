"""Times that cannot be right: pictures are put in order again, each as near as can be to when it was to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

PART: Final = Fraction(1, 10)  # seconds; what steps back less far is out of order, not in another recording


@dataclass
class PictureClock:
    """The times of a film's pictures, in ticks.

    Attributes:
        step: how far they mostly lie apart.
        part: `PART`, in ticks.
        offset: what is added to the times of the recording that is read.
        exact: whether none had to be mended so far.
    """

    step: int
    part: Fraction
    offset: int = 0
    exact: bool = True
    _last: int | None = None

    def time_of(self, pts: int | None, following: int | None) -> int:
        """When a picture is shown: later than the one before. `following` is the `pts` of the one after it."""
        time, after = (None if each is None else each + self.offset for each in (pts, following))
        mended = (time or 0) if self._last is None else self._mended(self._last, time, after)
        self.exact = self.exact and mended == time
        self._last = mended
        return mended

    def _mended(self, last: int, time: int | None, after: int | None) -> int:
        if time is None:
            return last + self.step
        if after is not None and self._goes_on(last, after) and not last < time <= after + self.part:
            return (last + after) // 2  # this one is wrong, and no other
        if time > last:
            return time
        if time >= last - self.part:
            return last + 1
        self.offset += last + self.step - time  # another recording begins
        return last + self.step

    def _goes_on(self, last: int, after: int) -> bool:
        """Whether there is room for one picture between the two, and not for many."""
        return after > last + 1 and abs(after - last - 2 * self.step) <= self.part
