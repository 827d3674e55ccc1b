"""Frames blended with the film so far, carried along its motion."""

from __future__ import annotations

import numpy as np

from .motion import Floats, Motion, Pixels


class Blend:
    """One film's: each frame keeps `share` of what was shown before, where that can be followed.

    Attributes:
        shown: float32 H W 3, what was shown last; None before the first frame of a scene.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self.shown: Floats | None = None

    def add(self, frame: Pixels, motion: Motion | None) -> Pixels:
        """`motion` from the frame before; None where a scene begins."""
        if motion is None or self.shown is None:
            self.shown = frame.astype(np.float32)
            return frame
        share = self._share * motion.trust[..., None]
        carried = motion.carry(self.shown, again=True)
        shown = frame.astype(np.float32)
        shown += share * (carried - shown)
        self.shown = shown
        return np.rint(shown).clip(0, 255).astype(np.uint8)
