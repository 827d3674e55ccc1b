"""What, besides the picture and the model, decides how a translation looks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..config import Direction

if TYPE_CHECKING:
    from ..framing import Fit, OutputSize
    from ..graph.facts import ValueRange


@dataclass(frozen=True)
class Settings:
    """One run's choices.

    Attributes:
        direction: None for the model's own.
        size: the side that the generator works at, in pixels; None for the model's own.
        fit, output_size: see `framing`.
        quality: 1 to 100, of lossy formats.
        faces: which of a picture's faces are translated and what finds them, if not the whole picture is.
        input_range, bgr: what an ONNX graph that does not say so itself was said to expect.
    """

    direction: Direction | None
    size: int | None
    fit: Fit
    output_size: OutputSize
    quality: int
    input_range: ValueRange | None = None
    bgr: bool = False
    faces: str = "off"

    def digest(self) -> str:
        """The same for the same settings, in every process."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
