"""How a film's pictures are turned and mirrored before they are shown."""

from __future__ import annotations

import struct
from typing import Any

import av
import numpy as np

from .frames import Pixels


def is_turned(frame: av.VideoFrame) -> bool:
    """Whether width and height change places."""
    a, b, _, _ = _matrix(frame)
    return abs(b) > abs(a)


def as_shown(pixels: Pixels, frame: av.VideoFrame) -> Pixels:
    """`pixels` (H, W, 3) as the display matrix of `frame` says, to the nearest quarter turn."""
    a, b, c, d = _matrix(frame)
    if is_turned(frame):
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c, d: what is stored at (x, y) is shown at (ax + cy, bx + dy), y downwards (ISO/IEC 14496-12, 6.2.2)."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data))
    return a, b, c, d
