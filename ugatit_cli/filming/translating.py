"""Frames through a generator, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..pipeline.stream import close
from ..steadying import Steadier, Translated
from ..video.frames import Pixels
from .reading import Seen, SegmentEnd


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame with its translation."""

    seen: Seen
    pixels: Pixels
    heatmap: NDArray[np.float32] | None


def translate(
    items: Iterable[Seen | SegmentEnd], steadier: Steadier, batch: int, stopped: Callable[[], bool]
) -> Generator[Shown | SegmentEnd, None, None]:
    """Every frame translated, `batch` at a time; a segment that was not finished when `stopped` said so has no end."""
    waiting: deque[Seen] = deque()
    pending: list[Pixels] = []
    try:
        for item in items:
            if stopped():
                return
            if isinstance(item, SegmentEnd):
                yield from _matched(waiting, chain(steadier.push(pending), steadier.finish()))
                pending = []
                yield replace(item, state=steadier.state())
                continue
            waiting.append(item)
            pending.append(item.framed.pixels)
            if len(pending) >= batch:
                yield from _matched(waiting, steadier.push(pending))
                pending = []
    finally:
        close(items)


def _matched(waiting: deque[Seen], translated: Iterable[Translated]) -> Iterator[Shown]:
    for each in translated:
        yield Shown(waiting.popleft(), each.pixels, each.heatmap)
