"""A film's frames as the generator sees them, divided into segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, dropwhile, takewhile

import numpy as np
from numpy.typing import NDArray

from .. import framing
from ..video.frames import Frame, Source
from ..video.segments import SegmentFacts
from ..video.window import Window
from .rates import at_rate

SEGMENT_SECONDS = 10
MOST_SEGMENT_BYTES = 2**32  # of pixels, before they are compressed: what a segment's file can grow to
LOOK_BACK = 10  # seconds; what is shown at a moment mostly began not longer ago


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame, and how the generator sees it."""

    frame: Frame
    framed: framing.Framed


@dataclass(frozen=True, eq=False)
class SegmentEnd:
    """After the last frame of a segment; `state` is what steadying has to know in the next one."""

    facts: SegmentFacts
    state: dict[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """Which frames of a source are wanted, and when.

    Attributes:
        fps: a constant rate; None keeps the source's times.
    """

    source: Source
    window: Window
    fps: Fraction | None

    @property
    def time_base(self) -> Fraction:
        return 1 / self.fps if self.fps else self.source.facts.time_base

    @property
    def rate(self) -> Fraction:
        return self.fps or self.source.facts.rate

    @property
    def frames(self) -> int | None:
        """How many there will be, about; None if nobody knows."""
        facts = self.source.facts
        if facts.frames is None:
            return None
        seconds = Fraction(facts.frames) / facts.rate
        end = seconds if self.window.end is None else min(self.window.end, seconds)
        return max(1, round(max(Fraction(0), end - self.window.start) * self.rate))

    def wanted(self, resumed: SegmentFacts | None) -> Iterator[Frame]:
        """Frames from where `resumed` ended, or from the window's beginning."""
        first = resumed.following if resumed else self.window.first(self.time_base)
        linear = resumed is not None and not resumed.exact
        if self.fps is None:
            frames = self.source.frames(first, from_the_beginning=linear)
        else:
            base = self.source.facts.time_base
            frames = at_rate(self._shown_at(first, linear), base, self.fps)
        late = dropwhile(lambda frame: first is not None and frame.pts < first, frames)
        return map(self._until_the_end, takewhile(lambda frame: self.window.holds(frame.pts, self.time_base), late))

    def _until_the_end(self, frame: Frame) -> Frame:
        """A frame that is shown beyond the window's end is shown for less long."""
        last = self.window.last(self.time_base)
        return frame if last is None else replace(frame, duration=max(1, min(frame.duration, last - frame.pts)))

    def _shown_at(self, tick: int | None, linear: bool) -> Iterator[Frame]:
        """Frames from the one on that is shown at a tick of `time_base`, or from an earlier one."""
        if tick is None or linear:
            return self.source.frames()
        base, seconds = self.source.facts.time_base, tick * self.time_base
        start = int((seconds - LOOK_BACK) / base)
        if start <= 0:
            return self.source.frames()
        frames = self.source.frames(start)
        first = next(frames, None)
        if first is None or first.pts * base > seconds:
            return self.source.frames()
        return chain([first], frames)


def divide(frames: Iterable[Frame], reading: Reading, shape: framing.Framing) -> Iterator[Seen | SegmentEnd]:
    """Segments of about ten seconds, each with its end; where they lie follows from the frames' times alone."""
    facts = reading.source.facts
    longest = max(1, MOST_SEGMENT_BYTES // (3 * facts.square_width * facts.height))
    ticks = SEGMENT_SECONDS / reading.time_base
    first: int | None = None
    count, damaged, following, transparent = 0, 0, 0, False
    for frame in frames:
        if first is None:
            first = frame.pts
        elif frame.pts - first >= ticks or count >= longest:
            yield SegmentEnd(SegmentFacts(count, frame.pts, damaged, reading.source.exact, transparent))
            first, count, damaged, transparent = frame.pts, 0, 0, False
        transparent = transparent or frame.alpha is not None
        count, damaged, following = count + 1, damaged + frame.damaged, frame.pts + 1
        yield Seen(frame, framing.frame(frame.pixels, shape))
    if count:
        yield SegmentEnd(SegmentFacts(count, following, damaged, reading.source.exact, transparent))
