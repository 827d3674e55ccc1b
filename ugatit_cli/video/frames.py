"""A frame, and what is known about the film that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .colours import Colours

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a film.

    Attributes:
        pixels: uint8 (H, W, 3), RGB, upright, with square pixels.
        pts: when it is shown, in units of the film's time base.
        duration: for how long, in the same units.
        alpha: uint8 (H, W), 255 = opaque; None if nothing is transparent.
        damaged: how many damaged packets were met since the frame before.
    """

    pixels: Pixels
    pts: int
    duration: int
    alpha: Pixels | None = None
    damaged: int = 0


@dataclass(frozen=True)
class Facts:
    """A film as a whole.

    Attributes:
        width, height: of the upright picture as it is stored, in pixels of the shape `sample_aspect`.
        sample_aspect: width of a pixel by its height.
        time_base: the unit of all times, in seconds.
        rate: frames a second, on average.
        frames: how many there will be, as the file says or as follows from its length; None if nobody knows.
        colours: how colours are written down.
        may_be_transparent: whether frames can have an `alpha`.
        plays: how often an animation is shown; 0 is for ever.
        zero: when it begins by its own clock, in seconds.
        notes: what the user should know, a plain sentence each.
    """

    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    frames: int | None
    sample_aspect: Fraction = Fraction(1)
    colours: Colours = field(default_factory=Colours)
    may_be_transparent: bool = False
    plays: int = 0
    zero: Fraction = Fraction(0)
    notes: tuple[str, ...] = ()

    @property
    def square_width(self) -> int:
        """The width in square pixels."""
        return max(1, round(self.width * self.sample_aspect))


class Source(Protocol):
    """Where frames come from.

    Attributes:
        exact: whether everything read so far can be found again by its time alone; False once something had to be mended.
        ends_early: whether reading came to where the file is cut off.
    """

    facts: Facts
    exact: bool
    ends_early: bool

    def frames(self, start: int | None = None, *, from_the_beginning: bool = False) -> Iterator[Frame]:
        """Those with a `pts` of `start` or more, or all, in order, each later than the one before.

        `from_the_beginning` decodes what lies before `start`, too, instead of seeking.

        Raises:
            UgatitError: it cannot be read, or is too large.
        """
        ...
