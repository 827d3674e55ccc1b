"""A stretch of one scene: so many frames are looked at together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .motion import Motion, Pixels


@dataclass
class Stretch:
    """Frames that follow each other.

    Attributes:
        frames: uint8 H W 3 each.
        motions: how each of them follows from the one before; None for the first one of a scene.
    """

    frames: list[Pixels] = field(default_factory=list)
    motions: list[Motion | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frames)

    def add(self, frame: Pixels, motion: Motion | None) -> None:
        self.frames.append(frame)
        self.motions.append(motion)

    def busiest(self) -> tuple[int, Motion]:
        """Of two frames or more, the first one left out: which one differs most from the one before, and how it follows."""
        following = [(place, motion) for place, motion in enumerate(self.motions) if place and motion is not None]
        return max(following, key=lambda found: found[1].change)

    def light(self) -> NDArray[np.float64]:
        """N 3: the logarithm of what the light was multiplied by since the frame before the stretch."""
        steps = [np.zeros(3) if motion is None else np.log(motion.gain) for motion in self.motions]
        return np.cumsum(np.array(steps, np.float64), axis=0)
