"""A film from its frames to its files: reading, translating and writing at the same time, then joining what was written."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .. import framing
from ..errors import OutputError, ResourceError
from ..files import writing
from ..pipeline.plan import Kind
from ..pipeline.stream import in_background, in_order
from ..steadying import Steadier
from ..video.encoding import VideoEncoder
from ..video.segments import begin, end, write_records
from ..video.stills import StillEncoder
from .outputs import Output, picture
from .plan import FilmPlan
from .reading import Reading, Seen, SegmentEnd, divide
from .settings import FilmSettings
from .space import check_room
from .translating import Shown, translate
from .work import Work

AHEAD = 3  # frames that wait before the generator, and behind it: each is a whole picture


@dataclass(frozen=True)
class Making:
    """All that one film is made with.

    Attributes:
        shape: how frames meet the generator.
        batch: how many frames go through it together.
        ahead: how many are read, and looked at for their motion, while it works.
        stopped: asked before each frame; True ends the run after what is under way.
        remember: called with the name of a finished file, and with where it still is, just before it gets the name.
    """

    plan: FilmPlan
    settings: FilmSettings
    reading: Reading
    shape: framing.Framing
    outputs: list[Output]
    steadier: Steadier
    batch: int
    ahead: int
    work: Work
    stopped: Callable[[], bool]
    remember: Callable[[Path, Path], None]


def make(making: Making) -> Generator[int, None, None]:
    """Translate what is not done yet, segment by segment; yields how many frames are done, again and again.

    The segments are all there afterwards unless `stopped` said otherwise. Closing the iterator ends the threads.

    Raises:
        UgatitError: the source cannot be read, the generator failed, or the disk is full.
    """
    work, reading = making.work, making.reading
    if work.done:
        making.steadier.restore(work.last_state())
    items = _looked_at(divide(reading.wanted(work.last), reading, making.shape), making.steadier)
    seen = in_background(items, ahead=AHEAD + making.ahead)
    shown = translate(seen, making.steadier, making.batch, making.stopped)
    with SegmentWriter(making) as writer, closing(in_order(writer, shown, threads=1, ahead=AHEAD)) as written:
        yield from written


def _looked_at(items: Iterable[Seen | SegmentEnd], steadier: Steadier) -> Iterator[Seen | SegmentEnd]:
    for item in items:
        if isinstance(item, Seen):
            steadier.look_at(item.framed.pixels)
        yield item


class SegmentWriter:
    """Encodes frames in a thread of its own; a segment gets its name when its end has come."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._files = ExitStack()
        self._open: dict[Kind, tuple[VideoEncoder | StillEncoder, BinaryIO]] = {}
        self._frames = making.work.frames

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """What has no end yet is given up; a disk that is full refuses even that its file is closed."""
        if self._open:
            with suppress(OutputError, ResourceError):
                self._files.__exit__(Abandoned, Abandoned(), None)

    def __call__(self, item: Shown | SegmentEnd) -> int:
        """How many frames have been encoded by now."""
        if isinstance(item, SegmentEnd):
            self._end(item)
            return self._frames
        if not self._open:
            self._begin()
        frame = item.seen.frame
        for output in self._making.outputs:
            encoder, file = self._open[output.kind]
            pixels, alpha = picture(item, output, self._making.settings)
            records = encoder.push(pixels, alpha, frame.pts, frame.duration)
            with writing(self._making.plan.target):
                write_records(file, records)
        self._frames += 1
        return self._frames

    def _begin(self) -> None:
        check_room(self._making.plan.work, self._making.work, self._making.reading.frames)
        for output in self._making.outputs:
            part = self._files.enter_context(self._making.work.new_segment(output.kind))
            file = self._files.enter_context(part.open("wb"))
            begin(file)
            self._open[output.kind] = output.new_encoder(), file

    def _end(self, item: SegmentEnd) -> None:
        for encoder, file in self._open.values():
            records = encoder.finish()
            with writing(self._making.plan.target):
                write_records(file, records)
                end(file, item.facts)
        self._open = {}
        self._files.close()
        self._making.work.end_segment(item.facts, item.state)


class Abandoned(Exception):
    """Tells the files of an unfinished segment to go."""
