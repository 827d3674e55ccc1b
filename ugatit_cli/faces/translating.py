"""A backend for pictures of any size whose faces are what another backend translates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..backends import Backend
from ..framing import Framed, Framing, frame, restore
from .alignment import Matrix, Pixels, alignment, cut, paste, paste_heat
from .face import Face, FaceFraming
from .parts import Heat, InParts

NO_FACE = "no face was found: translated as a whole"

Run = Callable[[Pixels], tuple[Pixels, Iterable[Heat | None]]]  # no attention where none was asked for


@dataclass(frozen=True)
class FaceWish:
    """Attributes:
    detect: finds faces, the largest first.
    wanted: where the model wants them.
    only_largest: whether the others stay as they are.
    whole: how a picture without a face meets the network.
    """

    detect: Callable[[Pixels], list[Face]]
    wanted: FaceFraming
    only_largest: bool
    whole: Framing

    def find(self, picture: Pixels) -> list[Matrix]:
        """Of each face, the way into the model's square."""
        faces = self.detect(picture)[: 1 if self.only_largest else None]
        return [alignment(face, self.wanted, self.whole.size) for face in faces]


class Faces(Backend, Protocol):
    """A backend that says what of a picture it wants to see; `without` of `pictures` had no face."""

    pictures: int
    without: int

    def frame(self, picture: Pixels) -> Framed: ...

    def remarks(self) -> list[tuple[str, ...]]: ...


class FaceTranslator:
    """Faces are pasted back; a picture without any is translated as a whole."""

    def __init__(self, backend: Backend, wish: FaceWish, batch_size: int | None = None) -> None:
        """`batch_size` faces go through the network together; None for what suits the device."""
        self._backend, self._wish = InParts(backend, batch_size), wish
        self.name, self.provider, self.device = backend.name, backend.provider, backend.device
        self.image_size, self.any_size = backend.image_size, True
        self.pictures = self.without = 0
        self._remarks: list[tuple[str, ...]] = []

    def frame(self, picture: Pixels) -> Framed:
        """At its own size: what the network sees are the faces in it."""
        height, width = picture.shape[:2]
        return Framed(picture, (0, 0, width, height), (0, 0, width, height))

    def remarks(self) -> list[tuple[str, ...]]:
        """Of each picture that was translated last, what the user should know about it."""
        return self._remarks

    def __call__(self, pictures: Pixels) -> Pixels:
        return self._translate(pictures, self._plain)[0]

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, Heat]:
        return self._translate(pictures, self._backend.translate_with_heatmap)

    def _plain(self, squares: Pixels) -> tuple[Pixels, Iterable[None]]:
        return self._backend(squares), [None] * len(squares)

    def _translate(self, pictures: Pixels, run: Run) -> tuple[Pixels, Heat]:
        """The faces of all pictures in one call of `run`."""
        ways = [self._wish.find(picture) for picture in pictures]
        self.pictures += len(pictures)
        self.without += sum(not each for each in ways)
        self._remarks = [() if each else (NO_FACE,) for each in ways]
        size = self._wish.whole.size
        squares = [cut(picture, way, size) for picture, each in zip(pictures, ways, strict=True) for way in each]
        translated = zip(*run(np.stack(squares)), strict=True) if squares else iter(())
        results = []
        for picture, each in zip(pictures, ways, strict=True):
            done = [next(translated) for _ in each]
            results.append(_put_back(picture, each, done) if each else self._whole(picture, run))
        outputs, heats = zip(*results, strict=True)
        return np.stack(outputs), np.stack(heats)

    def _whole(self, picture: Pixels, run: Run) -> tuple[Pixels, Heat]:
        whole = self._wish.whole  # cropped, most of the photograph would stay one
        framed = frame(picture, replace(whole, fit="keep") if whole.fit == "crop" else whole)
        ((square, attention),) = zip(*run(framed.pixels[None]), strict=True)
        output, heat = picture.copy(), _empty_heat(picture)
        left, top, right, bottom = framed.source_box
        output[top:bottom, left:right] = restore(square, framed, to="source")
        if attention is not None:
            part = heat[top // 4 : -(-bottom // 4), left // 4 : -(-right // 4)]
            part[:] = _fitted(attention, framed, *part.shape)
        return output, heat


def _put_back(
    picture: Pixels, ways: Sequence[Matrix], done: Sequence[tuple[Pixels, Heat | None]]
) -> tuple[Pixels, Heat]:
    """The smallest first, so that a large face is not covered by one behind it."""
    output, heat = picture.copy(), _empty_heat(picture)
    for way, (square, attention) in reversed(list(zip(ways, done, strict=True))):
        paste(output, square, way)
        if attention is not None:
            paste_heat(heat, attention, way)
    return output, heat


def _fitted(heat: Heat, framed: Framed, height: int, width: int) -> Heat:
    """The attention without the padding's, at another size; the cells at the edge that hold a part of it count."""
    import cv2

    left, top, right, bottom = framed.content
    inside = heat[top // 4 : -(-bottom // 4), left // 4 : -(-right // 4)]
    return np.asarray(cv2.resize(inside, (width, height)), np.float32)


def _empty_heat(picture: Pixels) -> Heat:
    height, width = picture.shape[:2]
    return np.zeros((-(-height // 4), -(-width // 4)), np.float32)
