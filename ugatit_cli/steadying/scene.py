"""The stretches of a scene, translated by statistics that are held or by each frame's own: whichever flickers less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.holding import Statistics
from .flicker import change_along, sharpness
from .motion import Motion, Pixels
from .passes import Passes, Translated
from .stretch import Stretch

SHORTEST = 4  # frames; a shorter stretch is translated as the one before it was
FOLLOWS = 0.5  # of the way that held statistics go to what was measured, in each stretch
MEMORY = 0.5  # what an older stretch's flicker counts for beside the newest one's
STAYS = 1.1  # times less flicker is needed to change over from own to held statistics, or back
SHARPNESS = (0.95, 1.07)  # times what the frame's own give, or nothing is held
LIGHT_STEP = 0.01  # a smaller change of the light is left alone: correcting it would cost as much in rounding

Doubles = NDArray[np.float64]
Pair = tuple[Pixels, Pixels]  # two neighbouring frames


@dataclass
class Scene:
    """What is known of a scene so far.

    Attributes:
        known: float64 (D + 3,), or None before anything was measured: every normalisation's scale and shift, and the
            light they belong to, as its logarithm in the three channels beside the last frame's.
        flicker: of frames translated by their own statistics, and by held ones, in levels; older ones count less.
        held: which ones are taken.
    """

    known: Doubles | None = None
    flicker: Doubles = field(default_factory=lambda: np.zeros(2))
    held: bool = False

    def state(self) -> dict[str, NDArray[Any] | None]:
        return {"statistics": self.known, "flicker": self.flicker, "held": np.array(self.held)}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]]) -> Scene:
        return cls(state.get("statistics"), state["flicker"], bool(state["held"]))

    def steer(self, stretch: Stretch, places: list[int], measured: Statistics) -> tuple[list[Pixels], Statistics]:
        """The frames, and a row of statistics for each: from those known, part of the way to those `measured` at `places`.

        A frame in other light than its row belongs to is brought into that one; without the statistics of its own,
        nothing else would.
        """
        light = stretch.light()
        target = self.known
        if places:
            target = np.append(measured.mean(axis=0, dtype=np.float64), light[places].mean(axis=0))
        assert target is not None
        start = target if self.known is None else self.known
        self.known = start + FOLLOWS * (target - start)
        rows = start + np.linspace(0, 1, len(stretch) + 1)[1:, None] * (self.known - start)
        self.known[-3:] -= light[-1]
        gains = np.exp(rows[:, -3:] - light)
        frames = [_relit(frame, gain) for frame, gain in zip(stretch.frames, gains, strict=True)]
        return frames, rows[:, :-3].astype(np.float32)

    def judge(self, motion: Motion, own: Pair, held: Pair) -> None:
        """Two frames, translated either way."""
        self.flicker = MEMORY * self.flicker + (change_along(motion, *own), change_along(motion, *held))
        by_own, by_held = self.flicker * ((STAYS, 1) if self.held else (1, STAYS))
        low, high = (bound * sharpness(own[1]) for bound in SHARPNESS)
        self.held = bool(by_held < by_own) and low <= sharpness(held[1]) <= high


def translate(stretch: Stretch, scene: Scene, passes: Passes) -> tuple[Iterator[Translated], Pair | None]:
    """The frames, each translated when it is asked for, and the busiest one and the one before it as they are by themselves.

    `scene` learns of it. The pair is None where nothing was compared.
    """
    if passes.can_hold and len(stretch) >= SHORTEST:
        return _translate_measured(stretch, scene, passes)
    if scene.held:
        return passes.hold(*scene.steer(stretch, [], np.zeros((0, 0), np.float32))), None
    if scene.known is not None:
        scene.known[-3:] -= stretch.light()[-1]
    if len(stretch) < 2:
        return passes.plain(stretch.frames), None
    busiest, _ = stretch.busiest()
    found = dict(enumerate(passes.plain(stretch.frames[busiest - 1 : busiest + 1]), busiest - 1))
    rest = _missing(stretch, found)
    return _in_order(stretch, found, passes.plain([stretch.frames[place] for place in rest])), _pair(found, busiest)


def _translate_measured(stretch: Stretch, scene: Scene, passes: Passes) -> tuple[Iterator[Translated], Pair]:
    """Both ways where the stretch is busiest, and the rest the better way."""
    busiest, motion = stretch.busiest()
    pair = [busiest - 1, busiest]
    places = sorted({*pair, len(stretch) - 1} | ({0} if scene.known is None else set()))
    translated, measured = passes.measure([stretch.frames[place] for place in places])
    frames, rows = scene.steer(stretch, places, measured)
    own = dict(zip(places, translated, strict=True))
    held = dict(zip(pair, passes.hold([frames[place] for place in pair], rows[pair]), strict=True))
    alone = _pair(own, busiest)
    scene.judge(motion, alone, _pair(held, busiest))
    if scene.held:
        rest = _missing(stretch, held)
        return _in_order(stretch, held, passes.hold([frames[place] for place in rest], rows[rest])), alone
    rest = _missing(stretch, own)
    return _in_order(stretch, own, passes.plain([stretch.frames[place] for place in rest])), alone


def _missing(stretch: Stretch, found: Mapping[int, Translated]) -> list[int]:
    return [place for place in range(len(stretch)) if place not in found]


def _in_order(stretch: Stretch, found: Mapping[int, Translated], others: Iterator[Translated]) -> Iterator[Translated]:
    """Those that are `found` already at their places, and between them the others."""
    for place in range(len(stretch)):
        yield found[place] if place in found else next(others)


def _pair(found: Mapping[int, Translated], place: int) -> Pair:
    return found[place - 1].pixels, found[place].pixels


def _relit(frame: Pixels, gain: Doubles) -> Pixels:
    """As it would be in `gain` times the light."""
    if np.abs(gain - 1).max() < LIGHT_STEP:
        return frame
    return np.rint(frame * gain.astype(np.float32)).clip(0, 255).astype(np.uint8)
