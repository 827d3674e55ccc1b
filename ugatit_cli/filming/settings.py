"""What, besides the film and the model, decides how the result looks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from .. import __version__
from ..pipeline.destination import Extra
from ..pipeline.settings import Settings
from ..video.kinds import Codec

if TYPE_CHECKING:
    from ..steadying import Strength


@dataclass(frozen=True)
class FilmSettings:
    """One run's choices.

    Attributes:
        pictures: how each frame is translated.
        crf, preset: None for what is usual for the encoder.
        start, end: of the stretch that is wanted, in seconds.
        fps: the constant frame rate that is wanted; None keeps the source's times.
        steady: how much flicker is taken out.
        extras: films that are written beside the result.
        sound: whether sound is kept.
    """

    pictures: Settings
    codec: Codec | Literal["auto"] = "auto"
    crf: int | None = None
    preset: str | None = None
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    fps: Fraction | None = None
    steady: Strength = "auto"
    extras: tuple[Extra, ...] = ()
    sound: bool = True

    def digest(self, *more: str) -> str:
        """The same for the same settings and program, in every process. Sound is not part of the segments."""
        values = {**asdict(self), "sound": None, "program": __version__}
        return hashlib.sha256(json.dumps([values, *more], sort_keys=True, default=str).encode()).hexdigest()
