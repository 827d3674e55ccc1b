"""The faces themselves as the result: the model's squares, side by side, translated but not put back."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..backends import Backend
from ..framing import Framed, frame
from .alignment import Pixels, cut
from .parts import Heat, InParts
from .translating import FaceWish

NO_FACE = "no face was found: its middle square was translated"

Plane = TypeVar("Plane", Pixels, Heat)


class FaceCrops:
    """A picture becomes the strip of its faces, the largest first; one without any its middle square."""

    def __init__(self, backend: Backend, wish: FaceWish, batch_size: int | None = None) -> None:
        """`batch_size` faces go through the network together; None for what suits the device."""
        self._backend, self._wish, self._counting = InParts(backend, batch_size), wish, threading.Lock()
        self.name, self.provider, self.device = backend.name, backend.provider, backend.device
        self.image_size, self.any_size = backend.image_size, backend.any_size
        self.pictures = self.without = 0

    def frame(self, picture: Pixels) -> Framed:
        size, ways = self._wish.whole.size, self._wish.find(picture)
        with self._counting:  # pictures are read by several threads
            self.pictures += 1
            self.without += not ways
        middle = replace(self._wish.whole, fit="crop")
        squares = [cut(picture, way, size) for way in ways] or [frame(picture, middle).pixels]
        strip = np.concatenate(squares, axis=1)
        everything = (0, 0, strip.shape[1], size)
        return Framed(strip, everything, everything, () if ways else (NO_FACE,))

    def remarks(self) -> list[tuple[str, ...]]:
        """Nothing: what there is to say was known when the picture was framed."""
        return []

    def __call__(self, pictures: Pixels) -> Pixels:
        """Strips, N x size x (k size) x 3."""
        return _strips(self._backend(_squares(pictures)), len(pictures))

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, Heat]:
        outputs, heats = self._backend.translate_with_heatmap(_squares(pictures))
        return _strips(outputs, len(pictures)), _strips(heats, len(pictures))


def _squares(strips: Pixels) -> Pixels:
    """N x size x (k size) x 3 -> (k N) x size x size x 3: the first of every strip, then the second of each ..."""
    return np.concatenate(np.split(strips, strips.shape[2] // strips.shape[1], axis=2))


def _strips(squares: Plane, count: int) -> Plane:
    return np.concatenate(np.split(squares, len(squares) // count), axis=2)
