"""Real pictures to calibrate with and to compare on: the user's own, or the example photograph in a few variations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import images
from ..errors import UgatitError
from ..framing import Framing, Pixels, frame

EXAMPLE = Path("examples", "hopper.jpg")
MOST = 32  # pictures: more change the ranges little, and take their time


def read_photographs(paths: Sequence[Path]) -> list[Pixels]:
    """Of at most 32 of `paths`, evenly spread, those that can be read; without paths, variations of the example.

    Raises:
        UgatitError: none can be read; it is the first one's error.
    """
    if not paths:
        return _variations(images.read(_example()).pixels)
    chosen = [paths[index] for index in np.unique(np.linspace(0, len(paths) - 1, min(MOST, len(paths))).astype(int))]
    found: list[Pixels] = []
    problems: list[UgatitError] = []
    for path in chosen:
        try:
            found.append(images.read(path).pixels)
        except UgatitError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return found


def squares(photographs: Sequence[Pixels], size: int) -> Pixels:
    """Their middle squares: N x size x size x 3."""
    framing = Framing("crop", size, any_size=True)
    return np.stack([frame(photograph, framing).pixels for photograph in photographs])


def _example() -> Path:
    """Inside the package in an installed wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / EXAMPLE
    return inside if inside.is_file() else package.parent / EXAMPLE


def _variations(photograph: Pixels) -> list[Pixels]:
    """Mirrored, darker and lighter, and parts of it."""
    height, width = photograph.shape[:2]
    parts = [photograph, photograph[: height // 2], photograph[height // 4 :, width // 4 :]]
    numbers = [part.astype(np.float32) for part in parts]
    toned = [
        np.clip(part * gain + shift, 0, 255).astype(np.uint8)
        for part in numbers
        for gain, shift in ((0.5, 0), (1, 0), (0.8, 60))
    ]
    return toned + [part[:, ::-1] for part in toned]
