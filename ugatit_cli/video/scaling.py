"""FFmpeg's scaler, for sizes and for colours.

What it needs for a pair of sizes is kept from frame to frame, and it works in the caller's thread: made anew for each frame,
with threads of its own, the getting ready takes several times as long as the scaling.
"""

from __future__ import annotations

from typing import Any, Final

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from .frames import Pixels

EXACT: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
SHRINKING: Final = Interpolation.BILINEAR  # of as many pixels as become one, like Pillow's


class Scaler:
    """For one thread at a time."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame, width: int, height: int, **wanted: Any) -> av.VideoFrame:
        """`wanted` as PyAV's `reformat` has it."""
        return self._reformatter.reformat(frame, width, height, threads=1, **wanted)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """uint8 (H, W, 3) to (height, width, 3), bicubic: several times as fast as Pillow, and without Python's lock."""
    if pixels.shape[:2] == (height, width):
        return pixels
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return np.asarray(Scaler()(frame, width, height, interpolation=EXACT).to_ndarray(), np.uint8)
