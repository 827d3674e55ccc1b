"""Frames of an animated picture: GIF, WebP or PNG, with transparency and times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ..errors import BadInputError
from ..images.bit_depth import eight_bit
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
            rate = self._rate()
        self.ends_early = False  # so far, frames were only looked at
        self.facts = Facts(
            *image.size,
            TIME_BASE,
            rate,
            count,
            colours=SRGB,
            may_be_transparent=True,
            plays=_plays(image, kind),
        )

    def _rate(self) -> Fraction:
        """Frames a second, after the first few."""
        durations = [duration for _, duration in islice(self._decoded(), PROBED)]
        return 1000 * len(durations) / sum(durations, Fraction(0))

    def frames(self, start: int | None = None, *, from_the_beginning: bool = False) -> Iterator[Frame]:
        """Always from the first on: each frame is drawn over the one before."""
        time, pts = Fraction(0), 0
        with explaining(str(self.path)):
            for frame, duration in self._decoded():
                time += duration
                end = max(round(time), pts + 1)
                if start is None or pts >= start:
                    yield replace(frame, pts=pts, duration=end - pts)
                pts = end

    def _decoded(self) -> Iterator[tuple[Frame, Fraction]]:
        """Frames whose time is not known yet, and how many milliseconds they last; fewer than promised if the file is cut
        off after the first."""
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
            yield frame, _duration(image)
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
    rgba = np.array(eight_bit(image, []).convert("RGBA"))
    pixels, alpha = np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
    if alpha.min() == 255:
        return Frame(pixels, 0, 0)
    put_on_white(pixels, alpha)
    return Frame(pixels, 0, 0, alpha)


def _duration(image: Image.Image) -> Fraction:
    """Milliseconds, exact: PNG writes seconds as a fraction of two numbers below 2^16."""
    return Fraction(image.info.get("duration") or UNSAID).limit_denominator(0xFFFF)


def _damaged() -> BadInputError:
    return BadInputError("it is damaged: no frame can be read", hint="copy or download it again", name="video-damaged")
