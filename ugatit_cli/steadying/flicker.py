"""What flickers, in numbers: how much a film changes along the motion of its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .motion import Motion


def change_along(motion: Motion, before: NDArray[Any], after: NDArray[Any]) -> float:
    """Mean difference in levels where the source can be followed; frames H W 3, 0 to 255."""
    if not motion.followed.any():
        return 0.0
    difference = np.abs(motion.carry(before) - after)
    return float(difference[motion.followed].mean())


def sharpness(frame: NDArray[Any]) -> float:
    """Mean slope of the brightness, in levels a pixel."""
    down, across = np.gradient(frame.astype(np.float32).mean(axis=2))
    return float(np.hypot(down, across).mean())


@dataclass
class FlickerReport:
    """Sums over the pairs of neighbouring frames where the film changes most, one pair in each stretch.

    Attributes:
        source: change of the film itself along its own motion, in levels.
        without, steadied: change of its translation.
    """

    pairs: int = 0
    source: float = 0.0
    without: float = 0.0
    steadied: float = 0.0

    def add(self, source: float, without: float, steadied: float) -> None:
        self.pairs += 1
        self.source += source
        self.without += without
        self.steadied += steadied

    def state(self) -> dict[str, NDArray[np.float64]]:
        return {"report": np.array([self.pairs, self.source, self.without, self.steadied], np.float64)}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]]) -> FlickerReport:
        pairs, *sums = state["report"].tolist()
        return cls(int(pairs), *sums)

    def as_dict(self) -> dict[str, float | int]:
        """Means in levels, rounded, and how many pairs they were taken over."""
        count = max(self.pairs, 1)
        means = {"source": self.source, "without": self.without, "steadied": self.steadied}
        return {"pairs": self.pairs, **{name: round(total / count, 3) for name, total in means.items()}}
