"""The stretches of a scene, translated by statistics that are held or by each frame's own: whichever flickers less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.holding import Statistics
from .flicker import change_along, sharpness
from .motion import Floats, Motion, Pixels
from .passes import Passes, Translated
from .stretch import Stretch

SHORTEST = 4  # frames; in a shorter stretch nothing can be gained by measuring
FOLLOWS = 0.5  # of the way that held statistics go to what was measured, in each stretch
MEMORY = 0.5  # what an older stretch's flicker counts for beside the newest one's
STAYS = 1.1  # times less flicker is needed to change over from held to own statistics, or back
SHARPNESS = (0.93, 1.07)  # beside each frame's own, or nothing is held
LIGHT_STEP = 0.01  # a smaller change of the light is left alone: correcting it would cost as much in rounding

Pair = tuple[Pixels, Pixels]  # two neighbouring frames


@dataclass
class Scene:
    """What is known of a scene so far.

    Attributes:
        values: float32 (D,), scale and shift of every normalisation; None before they were measured.
        light: float64 (3,): the logarithm of the light that they belong to, beside the last frame's.
        flicker: float64 (2,): of frames translated by their own statistics, and by held ones.
        held: which ones are taken.
    """

    values: Floats | None = None
    light: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    flicker: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    held: bool = False

    def state(self) -> dict[str, NDArray[Any] | None]:
        return {"statistics": self.values, "light": self.light, "flicker": self.flicker, "held": np.array(self.held)}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]]) -> Scene:
        return cls(state.get("statistics"), state["light"], state["flicker"], bool(state["held"]))

    def judge(self, motion: Motion, own: Pair, held: Pair) -> None:
        """Two frames, translated either way."""
        self.flicker = MEMORY * self.flicker + (change_along(motion, *own), change_along(motion, *held))
        by_own, by_held = self.flicker * ((STAYS, 1) if self.held else (1, STAYS))
        low, high = (bound * sharpness(own[1]) for bound in SHARPNESS)
        self.held = bool(by_held < by_own) and low <= sharpness(held[1]) <= high


def translate(stretch: Stretch, scene: Scene, passes: Passes) -> tuple[list[Translated], Pair | None]:
    """The frames, and the busiest one and the one before it as they are by themselves; `scene` learns of it."""
    if not passes.can_hold or len(stretch) < SHORTEST:
        scene.light = scene.light - stretch.light()[-1]
        found = dict(enumerate(passes.plain(stretch.frames)))
        return list(found.values()), _pair(found, stretch.busiest()[0]) if len(stretch) > 1 else None
    busiest, motion = stretch.busiest()
    keys = sorted({busiest - 1, busiest, len(stretch) - 1} | ({0} if scene.values is None else set()))
    translated, measured = passes.measure([stretch.frames[key] for key in keys])
    own = dict(zip(keys, translated, strict=True))
    frames, rows = _steer(stretch, scene, keys, measured)
    pair = [busiest - 1, busiest]
    held = dict(zip(pair, passes.hold([frames[place] for place in pair], rows[pair]), strict=True))
    alone = _pair(own, busiest)
    scene.judge(motion, alone, _pair(held, busiest))
    found = held if scene.held else own
    rest = [place for place in range(len(stretch)) if place not in found]
    if scene.held:
        others = passes.hold([frames[place] for place in rest], rows[rest])
    else:
        others = passes.plain([stretch.frames[place] for place in rest])
    found |= zip(rest, others, strict=True)
    return [found[place] for place in range(len(stretch))], alone


def _pair(found: dict[int, Translated], place: int) -> Pair:
    return found[place - 1].pixels, found[place].pixels


def _steer(stretch: Stretch, scene: Scene, keys: list[int], measured: Statistics) -> tuple[list[Pixels], Statistics]:
    """A row of statistics for each frame, on the way to what was `measured` at `keys`; and the frames, in these rows' light."""
    seen = stretch.light()
    values, light = measured.mean(axis=0), seen[keys].mean(axis=0)
    before = values if scene.values is None else scene.values
    light_before = light if scene.values is None else scene.light
    after, light_after = before + FOLLOWS * (values - before), light_before + FOLLOWS * (light - light_before)
    steps = np.linspace(0, 1, len(stretch) + 1)[1:, None]
    rows = (before + steps * (after - before)).astype(np.float32)
    lights = light_before + steps * (light_after - light_before)
    scene.values, scene.light = after, light_after - seen[-1]
    return [_relit(*each) for each in zip(stretch.frames, np.exp(lights - seen), strict=True)], rows


def _relit(frame: Pixels, gain: NDArray[np.float64]) -> Pixels:
    """As it would be in `gain` times the light."""
    if np.abs(gain - 1).max() < LIGHT_STEP:
        return frame
    return np.rint(frame * gain.astype(np.float32)).clip(0, 255).astype(np.uint8)
