"""What stands behind the people in portraits, as a drawing would show it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from traits import SIDE, Pixels

BUSY = 75  # levels: of portraits whose sides vary more, an eighth
ZOOMS = (1.0, 1.2, 1.4)
EYES_BUSY, EYES_ZOOMED = 0.39, 0.42  # of the height
# of the height, and of the drawing; before a busy background people are photographed smaller
EYES_WANTED = {False: (0.42, 0.49), True: (0.33, 0.45)}
SCALE = {False: (0.90, 1.10), True: (0.72, 1.00)}


@dataclass(frozen=True)
class Background:
    """What stands behind one person, without the person."""

    picture: Pixels
    busy: bool
    zoom: float = 1.0  # how much larger everything is than in the portrait

    def scale(self, random: np.random.Generator) -> float:
        """Of a drawing that is put before it."""
        return random.uniform(*SCALE[self.busy]) * self.zoom

    def eyes(self, random: np.random.Generator) -> float:
        """Where that drawing's eyes are, of the height."""
        eyes = random.uniform(*EYES_WANTED[self.busy])
        return eyes if self.zoom == 1 else EYES_ZOOMED + (eyes - EYES_BUSY) * self.zoom


def sides(portrait: Pixels) -> tuple[Pixels, Pixels]:
    """What stands at the left and at the right of the head."""
    return portrait[4:90, 2:22], portrait[4:90, -22:-2]


def is_busy(portrait: Pixels) -> bool:
    """Whether one of the sides varies much: the sum of the channels' deviations."""
    return max(float(side.reshape(-1, 3).std(axis=0).sum()) for side in sides(portrait)) > BUSY


def without_person(portrait: Pixels) -> Pixels:
    return drawn_background(portrait) if is_busy(portrait) else plain_background(portrait)


def plain_background(portrait: Pixels) -> Pixels:
    """From the colour at the left to that at the right."""
    left, right = (np.median(side.reshape(-1, 3), axis=0) for side in sides(portrait))
    share = np.linspace(0, 1, SIDE)[None, :, None]
    return np.repeat(np.rint(left * (1 - share) + right * share), SIDE, axis=0).astype(np.uint8)


def drawn_background(portrait: Pixels) -> Pixels:
    """What stands behind the person, made up where nobody can see it, in flat areas."""
    small = cv2.resize(portrait, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    person = np.zeros(small.shape[:2], np.uint8)
    cv2.ellipse(person, (64, 60), (38, 58), 0, 0, 360, 255, -1)
    person[84:] = 255
    filled = cv2.inpaint(small, person, 3, cv2.INPAINT_TELEA)
    flat = cv2.pyrMeanShiftFiltering(filled, 6, 24)
    return cv2.resize(flat, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def zoomed(portrait: Pixels, zoom: float) -> Pixels:
    """A part of it at full size, with the eyes where they are in most portraits."""
    if zoom == 1:
        return portrait
    left, top = (1 - 1 / zoom) / 2 * SIDE, (EYES_BUSY - EYES_ZOOMED / zoom) * SIDE
    matrix = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
    return cv2.warpAffine(portrait, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC).astype(np.uint8)
