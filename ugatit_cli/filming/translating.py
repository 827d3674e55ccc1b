"""Frames through a generator, in order: each by itself, or steadied."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from ..errors import ResourceError
from ..pipeline.stream import close
from ..video.frames import Pixels
from .reading import Seen, SegmentEnd

State = dict[str, NDArray[np.generic]]


class Translated(Protocol):
    """A frame that went through the generator.

    Attributes:
        pixels: uint8 of the shape that went in.
        heatmap: float32, the attention, a quarter as wide and high; None if it was not asked for.
    """

    @property
    def pixels(self) -> Pixels: ...
    @property
    def heatmap(self) -> NDArray[np.float32] | None: ...


class Steady(Protocol):
    """What turns frames into translated ones. It may hold some back, until it has seen what comes next."""

    def push(self, frames: list[Pixels]) -> Sequence[Translated]:
        """What is ready, in order."""
        ...

    def finish(self) -> Sequence[Translated]:
        """Everything that was held back; also at the end of every segment."""
        ...

    def state(self) -> State:
        """After `finish`: what has to be known to go on as if nothing had happened."""
        ...

    def restore(self, state: State) -> None: ...


@dataclass(frozen=True, eq=False)
class Plain:
    """The `Translated` contract."""

    pixels: Pixels
    heatmap: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class EachByItself:
    """The `Steady` contract without any steadying."""

    backend: Backend
    heatmap: bool

    def push(self, frames: list[Pixels]) -> list[Plain]:
        """In halves where they do not fit into the memory together."""
        try:
            return self._together(frames) if frames else []
        except ResourceError:
            if len(frames) == 1:
                raise
            half = len(frames) // 2
            return self.push(frames[:half]) + self.push(frames[half:])

    def finish(self) -> list[Plain]:
        return []

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        """Frames do not know each other."""

    def _together(self, frames: list[Pixels]) -> list[Plain]:
        pictures = np.stack(frames)
        if not self.heatmap:
            return [Plain(pixels) for pixels in self.backend(pictures)]
        return [Plain(*pair) for pair in zip(*self.backend.translate_with_heatmap(pictures), strict=True)]


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame with its translation."""

    seen: Seen
    pixels: Pixels
    heatmap: NDArray[np.float32] | None


def translate(
    items: Iterable[Seen | SegmentEnd], steady: Steady, batch: int, stopped: Callable[[], bool]
) -> Generator[Shown | SegmentEnd, None, None]:
    """Every frame translated, `batch` at a time; a segment that was not finished when `stopped` said so has no end."""
    waiting: deque[Seen] = deque()
    pending: list[Pixels] = []
    try:
        for item in items:
            if stopped():
                return
            if isinstance(item, SegmentEnd):
                yield from _matched(waiting, [*steady.push(pending), *steady.finish()])
                pending = []
                yield replace(item, state=steady.state())
                continue
            waiting.append(item)
            pending.append(item.framed.pixels)
            if len(pending) >= batch:
                yield from _matched(waiting, steady.push(pending))
                pending = []
    finally:
        close(items)


def _matched(waiting: deque[Seen], translated: Iterable[Translated]) -> Iterator[Shown]:
    for each in translated:
        yield Shown(waiting.popleft(), each.pixels, each.heatmap)
