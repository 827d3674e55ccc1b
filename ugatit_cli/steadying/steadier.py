"""A film's frames, translated without flicker: the order of things."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from .blending import Blend
from .flicker import FlickerReport, change_along
from .motion import Pixels, find_motion
from .passes import Passes, Translated
from .scene import Scene, translate
from .strength import Strength, share_of
from .stretch import Stretch

STRETCH = 32  # frames; held back until so many are there


class Steadier:
    """One film's. Frames are uint8 H W 3, as the generator takes them, all of one size.

    Attributes:
        report: how much the film and its translation flicker; nothing is measured with strength `off`.
    """

    def __init__(
        self, backend: Backend, strength: Strength, *, heatmap: bool = False, batch_size: int | None = None
    ) -> None:
        """`batch_size` is None for what suits the device."""
        self._passes = Passes(backend, batch_size, heatmap=heatmap)
        self._off = strength == "off"
        self._blend = Blend(share_of(strength))
        self._scene, self._stretch = Scene(), Stretch()
        self._last: Pixels | None = None
        self.report = FlickerReport()

    def push(self, frames: list[Pixels]) -> list[Translated]:
        """What is finished of the film now, in its order: at most `STRETCH` frames are held back."""
        if self._off:
            return self._passes.plain(frames)
        finished = []
        for frame in frames:
            motion = None if self._last is None else find_motion(self._last, frame)
            if motion is not None and motion.is_cut:
                finished += self.finish()
                self._scene, self._blend.shown, motion = Scene(), None, None
            self._stretch.frames.append(frame)
            self._stretch.motions.append(motion)
            self._last = frame
            if len(self._stretch) == STRETCH:
                finished += self.finish()
        return finished

    def finish(self) -> list[Translated]:
        """All that is held back. The film may go on afterwards."""
        stretch, self._stretch = self._stretch, Stretch()
        if not len(stretch):
            return []
        translated, alone = translate(stretch, self._scene, self._passes)
        shown = [
            Translated(self._blend.add(each.pixels, motion), each.heatmap)
            for each, motion in zip(translated, stretch.motions, strict=True)
        ]
        if alone is not None:
            place, motion = stretch.busiest()
            changes = [
                change_along(motion, *pair)
                for pair in (
                    stretch.frames[place - 1 : place + 1],
                    alone,
                    [each.pixels for each in shown[place - 1 : place + 1]],
                )
            ]
            self.report.add(*changes)
        return shown
