"""How one frame of a film follows from the one before: optical flow, how far it can be trusted, and what the light did."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

SMALLEST_SIDE = 32  # OpenCV's flow reads beyond the end of some smaller pictures
DARK, BRIGHT = 5, 250  # levels; beyond them a camera has cut off what the light did
COMPARABLE = 0.1  # less of the frame than that, and nothing is known of the light
ALIKE = (16.0, 40.0)  # levels that a pixel may differ and still count as followed, in films without and with much noise
NOISES = 3.0  # times what the pixels usually differ by
HARDLY = 0.3  # of a pixel: noise, and light that changes, look like so small a motion ...
STILL = (1.1, 0.5)  # ... and are none where the frame fits hardly worse without it: by so many times and levels
CUT_SHARE = 0.4  # less of the frame followed than that: another scene


@dataclass(frozen=True)
class Motion:
    """From one frame to the next one.

    Attributes:
        places: float32 H W 2, column and row in the frame before of what each pixel shows.
        trust: float32 H W, from 0 (not to be followed: uncovered, moved out of sight, changed) to 1.
        gain: float32 (3,): what the light was multiplied by, in each channel.
        change: how much the frame differs from the one before carried along, on average, in levels.
    """

    places: Floats
    trust: Floats
    gain: Floats
    change: float

    def carry(self, before: NDArray[Any], *, again: bool = False) -> Floats:
        """What belongs to the frame before, moved to where the frame has it.

        What will be carried `again` and again stays as sharp as it is.
        """
        import cv2

        picture = before.astype(np.float32, copy=False)
        return _look_up(picture, self.places, cv2.INTER_CUBIC if again else cv2.INTER_LINEAR)

    @cached_property
    def followed(self) -> NDArray[np.bool_]:
        """H W: the pixels that can be compared with the frame before."""
        followed: NDArray[np.bool_] = self.trust > 0.5
        return followed

    @property
    def is_cut(self) -> bool:
        """Whether another scene begins."""
        return bool(self.followed.mean() < CUT_SHARE)


def find_motion(before: Pixels, after: Pixels) -> Motion:
    """Both H W 3, RGB, of one size."""
    import cv2

    grey = [_grey(before), _grey(after)]
    back = _flow(grey[1], grey[0], cv2.DISOPTICAL_FLOW_PRESET_FAST)
    forth = _flow(grey[0], grey[1], cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)  # only says whether the other one can be true
    grid = _grid(*grey[0].shape)
    places = grid + back
    consistent = _returns(places, back, forth)
    carried: Pixels = _look_up(before, places, cv2.INTER_LINEAR)
    gain = _gain(carried, after, consistent)
    moved, unmoved = _levels(after, carried, gain), _levels(after, before, gain)
    still = (unmoved <= STILL[0] * moved + STILL[1]) & (_squared_length(back) < HARDLY**2)
    trust = _trust(np.where(still, unmoved, moved), consistent | still)
    change = cv2.norm(after, carried, cv2.NORM_L1) / after.size
    return Motion(np.where(still[..., None], grid, places), trust, gain, change)


@lru_cache(maxsize=2)
def _grid(height: int, width: int) -> Floats:
    """H W 2: column and row of each pixel."""
    rows, columns = np.indices((height, width), np.float32)
    return np.dstack([columns, rows])


def _grey(frame: Pixels) -> Pixels:
    import cv2

    grey: Pixels = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
    return grey


def _flow(start: Pixels, end: Pixels, preset: int) -> Floats:
    """H W 2: where in `end` each pixel of `start` is, relative to where it was."""
    import cv2

    height, width = start.shape
    margins = (0, max(0, SMALLEST_SIDE - height), 0, max(0, SMALLEST_SIDE - width))
    padded = [cv2.copyMakeBorder(frame, *margins, cv2.BORDER_REPLICATE) for frame in (start, end)]
    finder = cv2.DISOpticalFlow.create(preset)
    flow: Floats = finder.calc(padded[0], padded[1], None)[:height, :width]  # type: ignore[call-overload]
    return flow


def _look_up(image: NDArray[Any], places: Floats, way: int) -> NDArray[Any]:
    import cv2

    found: NDArray[Any] = cv2.remap(image, places, None, way, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return found


def _returns(places: Floats, back: Floats, forth: Floats) -> NDArray[np.bool_]:
    """H W: pixels whose way back and forth ends where it began, inside the frame (the test of Sundaram et al., ECCV 2010)."""
    import cv2

    height, width = back.shape[:2]
    there = _look_up(forth, places, cv2.INTER_LINEAR)
    column, row = cv2.split(places)
    inside = (column > -0.5) & (column < width - 0.5) & (row > -0.5) & (row < height - 0.5)
    length = _squared_length(back) + _squared_length(there)
    returns: NDArray[np.bool_] = (_squared_length(back + there) < 0.01 * length + 0.5) & inside
    return returns


def _squared_length(vectors: Floats) -> Floats:
    """H W 2 -> H W; plane by plane, as NumPy is slow at sums over two neighbours."""
    across, down = vectors[..., 0], vectors[..., 1]
    return across * across + down * down


def _gain(carried: Pixels, seen: Pixels, consistent: NDArray[np.bool_]) -> Floats:
    """(3,): a ratio of means, which noise does not pull to either side; 1 where too little can be compared."""
    import cv2

    clear = [cv2.inRange(frame, (DARK,) * 3, (BRIGHT,) * 3) for frame in (carried, seen)]
    usable = cv2.bitwise_and(clear[0], clear[1], mask=consistent.view(np.uint8))
    if np.count_nonzero(usable) < COMPARABLE * usable.size:
        return np.ones(3, np.float32)
    before, after = (np.array(cv2.mean(frame, usable)[:3], np.float32) for frame in (carried, seen))
    return after / before


def _levels(seen: Pixels, carried: Pixels, gain: Floats) -> Floats:
    """H W: by what the channel that differs most does so, in the same light, after noise is averaged away."""
    import cv2

    relit = cv2.multiply(carried, (*map(float, gain), 1.0))  # type: ignore[call-overload]
    difference = cv2.blur(cv2.subtract(seen, relit, dtype=cv2.CV_32F), (3, 3))
    red, green, blue = cv2.split(np.abs(difference))
    return np.maximum(np.maximum(red, green), blue)


def _trust(levels: Floats, consistent: NDArray[np.bool_]) -> Floats:
    """H W, from what each pixel differs by: a little always does."""
    import cv2

    alike = np.clip(NOISES * np.median(levels), *ALIKE)
    trust = np.where(consistent, np.clip(1.5 - levels / alike, 0, 1), 0).astype(np.float32)
    return np.minimum(trust, cv2.blur(trust, (5, 5)))  # falling off slowly, so that no seams are seen where trust ends
