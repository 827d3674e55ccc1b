"""Statistics of one picture held for another: what keeps a film's frames from being normalised each by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..graph.facts import StatisticsUse
from .graph_runs import GraphBackend, planes
from .pixels import Pixels

Statistics = NDArray[np.float32]  # N x D: every normalisation's scale and shift, in the order of the network


class Held(NamedTuple):
    """Translations N x H x W x 3, the attention N x H/4 x W/4 where it was asked for, and the statistics they were made with."""

    pictures: Pixels
    heatmaps: NDArray[np.float32] | None
    statistics: Statistics


@runtime_checkable
class HoldsStatistics(Protocol):
    """A `Backend` that tells what its normalisations came to, and can be told; other backends may count biases otherwise."""

    def measure(self, pictures: Pixels, *, heatmap: bool = False) -> Held:
        """The plain translation, with the statistics of each picture."""
        ...

    def translate_held(self, pictures: Pixels, statistics: Statistics, *, heatmap: bool = False) -> Held:
        """By statistics from elsewhere, a row for each picture: no reductions, no style."""
        ...


class GraphFamily:
    """A graph that translates, and the same network measured and held, opened when they are first wanted."""

    def __init__(self, plain: GraphBackend, open_other: Callable[[StatisticsUse], GraphBackend]) -> None:
        self._plain, self._open = plain, open_other
        self.name, self.provider, self.device = plain.name, plain.provider, plain.device
        self.image_size, self.any_size, self.at_once = plain.image_size, plain.any_size, plain.at_once

    def __call__(self, pictures: Pixels) -> Pixels:
        return self._plain(pictures)

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
        return self._plain.translate_with_heatmap(pictures)

    def measure(self, pictures: Pixels, *, heatmap: bool = False) -> Held:
        graph = self._measured
        assert graph.facts.measured is not None
        images, [statistics, *rest] = graph.translate(pictures, [graph.facts.measured, *_heatmap(graph, heatmap)])
        return Held(images, planes(rest[0]) if rest else None, statistics)

    def translate_held(self, pictures: Pixels, statistics: Statistics, *, heatmap: bool = False) -> Held:
        graph = self._held
        images, rest = graph.translate(pictures, _heatmap(graph, heatmap), statistics)
        return Held(images, planes(rest[0]) if rest else None, statistics)

    @cached_property
    def _measured(self) -> GraphBackend:
        return self._open("measured")

    @cached_property
    def _held(self) -> GraphBackend:
        return self._open("held")


def _heatmap(graph: GraphBackend, wanted: bool) -> list[str]:
    return [graph.facts.heatmap] if wanted and graph.facts.heatmap is not None else []
