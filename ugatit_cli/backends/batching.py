"""How many pictures a GPU does best with at once: tried out, as it depends on the card, the model and the size."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from ..errors import ResourceError

if TYPE_CHECKING:
    from . import Backend

LARGEST = 64
WORTH_IT = 1.05  # times as many pictures a second, or the smaller batch is kept


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
