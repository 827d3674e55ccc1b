"""A film's frames, translated without flicker: the order of things."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from .blending import Blend
from .flicker import FlickerReport, change_along
from .motion import Motion, Pixels, find_motion
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
        self,
        backend: Backend,
        strength: Strength,
        *,
        heatmap: bool = False,
        batch_size: int | None = None,
        kept_bytes: int = 0,
    ) -> None:
        """`batch_size` is None for what suits the device; `kept_bytes` is what the caller keeps of a frame that is held back."""
        self._passes = Passes(backend, batch_size, heatmap=heatmap)
        self._off = strength == "off"
        self._kept_bytes = kept_bytes
        self._blend = Blend(share_of(strength))
        self._scene, self._stretch = Scene(), Stretch()
        self._last: Pixels | None = None
        self._looked_at: Pixels | None = None
        self._motions: deque[Motion | None] = deque()
        self.report = FlickerReport()

    def most_held_back(self, height: int, width: int) -> int:
        """How many frames of this size `push` keeps at most."""
        if self._off:
            return 0
        fitting: int = STRETCH_BYTES // (height * width * BYTES_PER_PIXEL + self._kept_bytes)
        return max(SHORTEST, min(STRETCH, fitting))

    def look_at(self, frame: Pixels) -> None:
        """Find the motion before `push` wants to know it; for another thread, of every frame, in their order."""
        if not self._off:
            self._motions.append(None if self._looked_at is None else find_motion(self._looked_at, frame))
            self._looked_at = frame

    def push(self, frames: list[Pixels]) -> Iterator[Translated]:
        """What can be finished of the film now, in its order, each frame when it is asked for; all have to be asked for.

        A bounded number of frames is held back.
        """
        if self._off:
            yield from self._passes.plain(frames)
            return
        for frame in frames:
            if not self._motions:
                self.look_at(frame)
            motion = self._motions.popleft()
            if motion is not None and motion.is_cut:
                yield from self.finish()
                self._scene, self._blend.shown, motion = Scene(), None, None
            self._stretch.add(frame, motion)
            self._last = frame
            if len(self._stretch) >= self.most_held_back(*frame.shape[:2]):
                yield from self.finish()

    def finish(self) -> Iterator[Translated]:
        """All that is held back, each frame when it is asked for. The film may go on afterwards."""
        stretch, self._stretch = self._stretch, Stretch()
        if not len(stretch):
            return
        translated, alone = translate(stretch, self._scene, self._passes)
        shown: deque[Pixels] = deque(maxlen=2)
        compared = None if alone is None else stretch.busiest()[0]
        for place, (each, motion) in enumerate(zip(translated, stretch.motions, strict=True)):
            shown.append(self._blend.add(each.pixels, motion))
            if alone is not None and place == compared:
                self._compare(stretch, alone, (shown[0], shown[1]))
            yield Translated(shown[-1], each.heatmap)

    def _compare(self, stretch: Stretch, alone: Pair, shown: Pair) -> None:
        """At the busiest frame: the film, its frames translated alone, and what is shown."""
        place, motion = stretch.busiest()
        film = stretch.frames[place - 1], stretch.frames[place]
        self.report.add(*(change_along(motion, before, after) for before, after in (film, alone, shown)))

    def state(self) -> dict[str, NDArray[Any]]:
        """Right after `finish`: what the rest of the film depends on."""
        known = {"last": self._last, "shown": self._blend.shown, **self._scene.state(), **self.report.state()}
        return {name: np.array(values) for name, values in known.items() if values is not None}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on where another one's `state` was taken."""
        self._last = self._looked_at = state.get("last")
        self._blend.shown = state.get("shown")
        self._scene, self.report = Scene.restored(state), FlickerReport.restored(state)
