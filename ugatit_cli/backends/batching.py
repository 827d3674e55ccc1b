"""How many pictures go through a backend at once.

How many a GPU does best with is tried out, as it depends on the card, the model and the size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from ..errors import ResourceError

if TYPE_CHECKING:
    from . import Backend

LARGEST = 64
WORTH_IT = 1.05  # times as many pictures a second, or the smaller batch is kept


@dataclass
class Batches:
    """How many pictures of each size go through a backend together, and what becomes of those that do not fit.

    Attributes:
        asked: how many; None for what suits the device.
        pictures: how many there are in all; None for no telling.
    """

    backend: Backend
    asked: int | None = None
    pictures: int | None = None
    _limits: dict[tuple[int, ...], int] = field(default_factory=dict)

    def limit(self, size: tuple[int, ...]) -> int:
        """Of pictures of this height and width: as asked for, or measured; fewer once so many did not fit."""
        if size not in self._limits:
            self._limits[size] = self.asked or self._measured(*size)
        return self._limits[size]

    def _measured(self, height: int, width: int) -> int:
        """One size is tried out on a GPU; of others, as many as have its area."""
        most = min(self.pictures or LARGEST, LARGEST)
        if self._limits and self.backend.device != "cpu":
            (tried_height, tried_width), count = next(iter(self._limits.items()))
            return max(1, min(most, count * tried_height * tried_width // (height * width)))
        return measured_batch_size(self.backend, height, width, most)

    def run(self, count: int, size: tuple[int, ...], translate: Callable[[slice], None]) -> None:
        """`translate` all of `count` pictures of this height and width, in order: half as many once some do not fit.

        Raises:
            ResourceError: a single one does not fit.
        """
        first = 0
        while first < count:
            part = slice(first, min(count, first + self.limit(size)))
            if self._fits(part, size, translate):
                first = part.stop

    def _fits(self, part: slice, size: tuple[int, ...], translate: Callable[[slice], None]) -> bool:
        """When this is over the error has let go of what it saw: the features of the whole part."""
        try:
            translate(part)
            return True
        except ResourceError:
            count = part.stop - part.start
            if count == 1:
                raise
            self._limits[size] = count // 2
            return False


def measured_batch_size(backend: Backend, height: int, width: int, most: int = LARGEST) -> int:
    """Doubled as long as that pays, and fits into the memory. On a CPU, enough for what is translated at once there.

    `most` is how many pictures there are: for one alone nothing is tried.
    """
    if backend.device == "cpu":
        at_once = getattr(backend, "at_once", 1)  # of graphs
        return 2 * at_once if at_once > 1 else 1  # twice, so that one that takes longer keeps fewer waiting
    most = min(most, LARGEST)
    if most == 1:
        return 1
    best, best_rate = 1, _rate(backend, 1, height, width)
    while 2 * best <= most:
        try:
            rate = _rate(backend, 2 * best, height, width)
        except ResourceError:
            break
        if rate < WORTH_IT * best_rate:
            break
        best, best_rate = 2 * best, rate
    return best


def _rate(backend: Backend, count: int, height: int, width: int) -> float:
    """Pictures a second, the second time: the first one prepares itself."""
    import numpy as np

    pictures = np.zeros((count, height, width, 3), np.uint8)
    backend(pictures)
    begun = perf_counter()
    backend(pictures)
    return count / max(perf_counter() - begun, 1e-9)
