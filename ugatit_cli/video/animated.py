"""Frames of an animated picture: GIF, WebP or PNG, with transparency and times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ..errors import BadInputError
from ..images.faults import DECODE_ERRORS
from ..images.header import open_header
from ..images.regular_file import read_file
from ..images.transparency import put_on_white
from .colours import SRGB
from .faults import explaining
from .frames import Facts, Frame
from .sniffing import Animation

TIME_BASE: Final = Fraction(1, 1000)
PROBED: Final = 8
UNSAID: Final = 100  # milliseconds that players show a frame which does not say how long


class AnimatedSource:
    """The `Source` contract over an animated picture; one that stands still has one frame."""

    exact = True
    ends_early = False

    def __init__(self, path: Path, kind: Animation) -> None:
        self.path, self._kind = path, kind
        with explaining(str(path)):
            self._data = read_file(path)
            try:
                image = open_header(kind.upper(), self._data)
                count = getattr(image, "n_frames", 1) - _stands_before(image)
            except DECODE_ERRORS as error:
                raise _damaged() from error
        self.facts = Facts(
            *image.size,
            TIME_BASE,
            self._rate(),
            count,
            colours=SRGB,
            may_be_transparent=True,
            plays=_plays(image, kind),
        )

    def _rate(self) -> Fraction:
        """Frames a second, after the first few."""
        durations = [frame.duration for frame in islice(self.frames(), PROBED)]
        return Fraction(1000 * len(durations), sum(durations))

    def frames(self, start: int = 0, *, from_the_beginning: bool = False) -> Iterator[Frame]:
        """Always from the first on: each frame is drawn over the one before."""
        pts = 0
        with explaining(str(self.path)):
            for frame in self._decoded():
                if pts >= start:
                    yield Frame(frame.pixels, pts, frame.duration, frame.alpha)
                pts += frame.duration

    def _decoded(self) -> Iterator[Frame]:
        """Frames whose time is not known yet; fewer than promised if the file is cut off after the first."""
        image = open_header(self._kind.upper(), self._data)
        first = _stands_before(image)
        index = first
        while True:
            try:
                image.seek(index)
                frame = _frame(image)
            except DECODE_ERRORS as error:
                if index == first:
                    raise _damaged() from error
                self.ends_early = index < getattr(image, "n_frames", 1)
                return
            yield frame
            index += 1


def _stands_before(image: Image.Image) -> int:
    """1 for a PNG whose first picture is shown only where animation is unknown."""
    return int(bool(image.info.get("default_image")))


def _plays(image: Image.Image, kind: Animation) -> int:
    """0 for ever. A GIF tells how often it is repeated, or nothing: then it is shown once."""
    loop = image.info.get("loop")
    if kind == "gif":
        return 1 if loop is None else int(loop) + 1 if loop else 0
    return int(loop or 0)


def _frame(image: Image.Image) -> Frame:
    rgba = np.array(image.convert("RGBA"))
    pixels, alpha = np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
    duration = round(float(image.info.get("duration") or 0)) or UNSAID
    if alpha.min() == 255:
        return Frame(pixels, 0, duration)
    put_on_white(pixels, alpha)
    return Frame(pixels, 0, duration, alpha)


def _damaged() -> BadInputError:
    return BadInputError("it is damaged: no frame can be read", hint="copy or download it again", name="video-damaged")
