"""What a ToonHead drawing shows, read off at places that are the same in all of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]

SIDE = 256
EYES = 0.53  # of the height
NEAR = 14  # levels: the background of a drawing is flat, but for what JPEG adds
RED = 3  # levels: a lower lip's difference from the cheek; the other mouth is a line

# left, top, right, bottom
CHEEK = (150, 150, 160, 158)
BESIDE_NECK = (76, 184, 86, 192)
ABOVE_HEAD = (122, 4, 134, 12)
UPPER_LIP = (112, 158, 118, 161)
LOWER_LIP = (120, 173, 136, 176)
CHIN = (122, 184, 134, 187)
COLLAR = (114, 214, 118, 218)
SLEEVE = (80, 242, 90, 252)
HAIR = (110, 62, 130, 70)
TEMPLE = (78, 96, 82, 104)
SPIKE = (62, 76, 66, 80)

# from below, in steps of twelve: a cheek is about half a step above
TONES = ((240, 192, 156), (192, 132, 120), (180, 132, 96), (156, 96, 72), (84, 48, 36))
DARK_TONES = (3, 4)


def colour(picture: Pixels, box: Box) -> NDArray[np.float64]:
    left, top, right, bottom = box
    found: NDArray[np.float64] = np.median(picture[top:bottom, left:right].reshape(-1, 3), axis=0)
    return found


def differs(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(np.abs(one - other).max() > NEAR)


def is_background(drawing: Pixels, box: Box) -> bool:
    return not differs(colour(drawing, box), drawing[2, 2].astype(np.float64))


def opacity(drawing: Pixels) -> NDArray[np.float32]:
    """Of the person, 0 to 1: all but what can be reached from the upper corners."""
    inside = np.zeros((drawing.shape[0] + 2, drawing.shape[1] + 2), np.uint8)
    for corner in ((0, 0), (drawing.shape[1] - 1, 0)):
        cv2.floodFill(
            drawing.copy(), inside, corner, (0, 0, 0), (NEAR,) * 3, (NEAR,) * 3, 4 | cv2.FLOODFILL_FIXED_RANGE
        )
    reached = cv2.dilate(inside[1:-1, 1:-1].astype(np.float32), np.ones((3, 3)))
    return 1 - cv2.GaussianBlur(reached, (3, 3), 0)


def tone(drawing: Pixels) -> int:
    """Of the skin: its number in TONES."""
    return int(np.abs(np.array(TONES) + 6 - colour(drawing, CHEEK)).sum(axis=1).argmin())


def hair_colour(drawing: Pixels) -> str:
    levels = colour(drawing, HAIR)
    if levels.max() - levels.min() < 2 * NEAR and levels.max() > 100:
        return "grey"
    return "dark" if levels.max() < 120 else "fair"


def has_long_hair(drawing: Pixels) -> bool:
    return not is_background(drawing, BESIDE_NECK)


def has_bun(drawing: Pixels) -> bool:
    return not is_background(drawing, ABOVE_HEAD)


def has_spikes(drawing: Pixels) -> bool:
    return not is_background(drawing, SPIKE) and not has_bun(drawing)


def is_shorn(drawing: Pixels) -> bool:
    """Darker hair at the sides, which ends at the temples."""
    return not is_background(drawing, TEMPLE) and differs(colour(drawing, TEMPLE), colour(drawing, HAIR))


def has_beard(drawing: Pixels) -> bool:
    """Or a moustache."""
    return any(differs(colour(drawing, box), colour(drawing, CHEEK)) for box in (UPPER_LIP, CHIN))


def laughs(drawing: Pixels) -> bool:
    return bool(np.abs(colour(drawing, LOWER_LIP) - colour(drawing, CHEEK)).max() > RED)


def has_collar(drawing: Pixels) -> bool:
    """And clothes of another colour than the background."""
    red, _, blue = colour(drawing, COLLAR)
    return bool(blue > 220 and blue - red > 20) and not is_background(drawing, SLEEVE)
