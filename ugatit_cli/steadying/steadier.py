"""A film's frames, translated without flicker: the order of things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from .blending import Blend
from .flicker import FlickerReport, change_along
from .motion import Pixels, find_motion
from .passes import Passes, Translated
from .scene import SHORTEST, Pair, Scene, translate
from .strength import Strength, share_of
from .stretch import Stretch

STRETCH = 48  # frames, held back until so many are there ...
STRETCH_BYTES = 2**28  # ... or until they take so much memory
BYTES_PER_PIXEL = 3 + 12 + 3  # a frame, its motion, its translation


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
        """What is finished of the film now, in its order; a bounded number of frames is held back."""
        if self._off:
            return self._passes.plain(frames)
        finished = []
        for frame in frames:
            motion = None if self._last is None else find_motion(self._last, frame)
            if motion is not None and motion.is_cut:
                finished += self.finish()
                self._scene, self._blend.shown, motion = Scene(), None, None
            self._stretch.add(frame, motion)
            self._last = frame
            if len(self._stretch) >= _most_frames(frame):
                finished += self.finish()
        return finished

    def finish(self) -> list[Translated]:
        """All that is held back. The film may go on afterwards."""
        stretch, self._stretch = self._stretch, Stretch()
        if not len(stretch):
            return []
        translated, alone = translate(stretch, self._scene, self._passes)
        pixels = [
            self._blend.add(each.pixels, motion) for each, motion in zip(translated, stretch.motions, strict=True)
        ]
        if alone is not None:
            self._compare(stretch, alone, pixels)
        return [Translated(shown, each.heatmap) for shown, each in zip(pixels, translated, strict=True)]

    def _compare(self, stretch: Stretch, alone: Pair, shown: list[Pixels]) -> None:
        """At the busiest frame: the film, its frames translated alone, and what is shown."""
        place, motion = stretch.busiest()
        pairs = stretch.frames[place - 1 : place + 1], alone, shown[place - 1 : place + 1]
        self.report.add(*(change_along(motion, before, after) for before, after in pairs))

    def state(self) -> dict[str, NDArray[Any]]:
        """Right after `finish`: what the rest of the film depends on."""
        known = {"last": self._last, "shown": self._blend.shown, **self._scene.state(), **self.report.state()}
        return {name: np.array(values) for name, values in known.items() if values is not None}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on where another one's `state` was taken."""
        self._last, self._blend.shown = state.get("last"), state.get("shown")
        self._scene, self.report = Scene.restored(state), FlickerReport.restored(state)


def _most_frames(frame: Pixels) -> int:
    height, width = frame.shape[:2]
    fitting: int = STRETCH_BYTES // (height * width * BYTES_PER_PIXEL)
    return max(SHORTEST, min(STRETCH, fitting))
