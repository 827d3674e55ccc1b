"""The sample sheet of a model: photographs, and below each what the model makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .. import images
from ..export.photographs import read_photographs, squares
from ..framing import Pixels

MOST = 6
SIDE = 256
QUALITY = 90


def sample_sheet(translate: Callable[[Pixels], Pixels], size: int, paths: Sequence[Path]) -> bytes:
    """A JPEG of at most six columns; without `paths`, of the example photograph. `translate` takes N x size x size x 3.

    Raises:
        UgatitError: none of the pictures can be read.
    """
    photographs = read_photographs(paths)
    photographs = photographs[:MOST] if paths else photographs[:1]
    sources = squares(photographs, size)
    results = np.concatenate([translate(source[None]) for source in sources])
    rows = [np.concatenate([images.resize(each, SIDE, SIDE) for each in row], axis=1) for row in (sources, results)]
    return images.encode(np.concatenate(rows), format="jpg", quality=QUALITY)
