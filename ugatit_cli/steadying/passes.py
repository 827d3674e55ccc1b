"""Frames through the generator, so many at once as suit the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..backends import Backend
from ..backends.batching import measured_batch_size
from ..backends.holding import HoldsStatistics, Statistics
from .motion import Floats, Pixels


@dataclass(frozen=True)
class Translated:
    """One frame.

    Attributes:
        pixels: uint8 H W 3.
        heatmap: float32 H/4 W/4, unscaled, where it was asked for.
    """

    pixels: Pixels
    heatmap: Floats | None = None


class Passes:
    """Frames are uint8 H W 3, all of one size."""

    def __init__(self, backend: Backend, batch_size: int | None, *, heatmap: bool) -> None:
        """`batch_size` is None for one that is measured."""
        self._backend, self._batch_size, self._heatmap = backend, batch_size, heatmap
        self._holder = backend if isinstance(backend, HoldsStatistics) else None

    @property
    def can_hold(self) -> bool:
        """Whether statistics can be measured and held; a stranger's graph tells nothing of them."""
        return self._holder is not None

    def plain(self, frames: Sequence[Pixels]) -> Iterator[Translated]:
        """Each by its own statistics, when it is asked for."""
        for part in self._parts(frames):
            pictures = np.stack(frames[part])
            if self._heatmap:
                yield from _each(*self._backend.translate_with_heatmap(pictures))
            else:
                yield from _each(self._backend(pictures), None)

    def measure(self, frames: Sequence[Pixels]) -> tuple[list[Translated], Statistics]:
        """All at once, and what these statistics came to, a row for each frame."""
        assert self._holder is not None
        parts = [self._holder.measure(np.stack(frames[part]), heatmap=self._heatmap) for part in self._parts(frames)]
        found = [each for part in parts for each in _each(part.pictures, part.heatmaps)]
        return found, np.concatenate([part.statistics for part in parts])

    def hold(self, frames: Sequence[Pixels], statistics: Statistics) -> Iterator[Translated]:
        """By a row of `statistics` each, when it is asked for."""
        assert self._holder is not None
        for part in self._parts(frames):
            held = self._holder.translate_held(np.stack(frames[part]), statistics[part], heatmap=self._heatmap)
            yield from _each(held.pictures, held.heatmaps)

    def _parts(self, frames: Sequence[Pixels]) -> Iterator[slice]:
        if self._batch_size is None and frames:
            self._batch_size = measured_batch_size(self._backend, *frames[0].shape[:2])
        for first in range(0, len(frames), self._batch_size or 1):
            yield slice(first, first + (self._batch_size or 1))


def _each(pictures: Pixels, heatmaps: Floats | None) -> list[Translated]:
    maps: Sequence[Floats | None] = [None] * len(pictures) if heatmaps is None else list(heatmaps)
    return [Translated(picture, heatmap) for picture, heatmap in zip(pictures, maps, strict=True)]
