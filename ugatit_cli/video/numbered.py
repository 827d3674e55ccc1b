"""A folder of numbered pictures as a film."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

from .. import images
from ..errors import BadInputError
from .colours import SRGB
from .faults import explaining
from .frames import Facts, Frame

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp"})
USUAL_RATE: Final = Fraction(25)


class NumberedSource:
    """The `Source` contract over pictures whose names end in a number, in its order; each lasts one tick of the rate."""

    exact = True
    ends_early = False

    def __init__(self, folder: Path, rate: Fraction | None) -> None:
        """Raises BadInputError where there is no numbered picture, or the first cannot be read."""
        self.path = folder
        with explaining(str(folder)):
            self._paths = numbered_pictures(folder)
            if not self._paths:
                text = "there are no numbered pictures in it, such as frame-0001.png"
                raise BadInputError(text, hint="ugatit translate takes folders of any pictures", name="no-images")
        first = images.read(self._paths[0])
        height, width = first.pixels.shape[:2]
        rate = rate or USUAL_RATE
        self.facts = Facts(width, height, 1 / rate, rate, len(self._paths), colours=SRGB, may_be_transparent=True)

    def frames(self, start: int | None = None, *, from_the_beginning: bool = False) -> Iterator[Frame]:
        """All of the first one's size; a picture that cannot be read is the film's error: a gap would move the rest."""
        first = start or 0
        for number, path in enumerate(self._paths[first:], first):
            picture = images.read(path)
            pixels, alpha = picture.pixels, picture.alpha
            if pixels.shape[:2] != (self.facts.height, self.facts.width):
                pixels = images.resize(pixels, self.facts.width, self.facts.height)
                alpha = None if alpha is None else images.resize(alpha, self.facts.width, self.facts.height)
            yield Frame(pixels, number, 1, alpha)


def numbered_pictures(folder: Path) -> list[Path]:
    """In the order of the last number in their names, however many digits it has."""
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as error:
        raise BadInputError((error.strerror or str(error)).lower(), name="folder-unreadable") from error
    found = []
    for name in names:
        stem, suffix = os.path.splitext(name)
        numbers = re.findall(r"[0-9]+", stem)
        if numbers and suffix.lower() in SUFFIXES:
            found.append((int(numbers[-1]), name))
    return [folder / name for _, name in sorted(found)]
