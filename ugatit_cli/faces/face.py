"""A face that was found, and where a model wants its faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Face:
    """Attributes:
    landmarks: float (5, 2), x and y in pixels: the eyes, left one of the picture first, the tip of the nose, the corners of the mouth.
    area: of its box, in pixels.
    """

    landmarks: NDArray[np.float64]
    area: float

    @property
    def eyes(self) -> NDArray[np.float64]:
        """The point between them."""
        return np.asarray(self.landmarks[:2].mean(axis=0))

    @property
    def mouth(self) -> NDArray[np.float64]:
        return np.asarray(self.landmarks[3:].mean(axis=0))


@dataclass(frozen=True)
class FaceFraming:
    """How large a face is in the model's square, and where; all in parts of its side.

    Attributes:
        x, y: of the point between eyes and mouth.
        eyes_to_mouth: the distance from the point between the eyes to the mouth.
    """

    x: float = 0.5
    y: float = 0.56
    eyes_to_mouth: float = 0.24
