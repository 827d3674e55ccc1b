"""A backend that takes any number of squares: as many at a time as suit it, and fit into its memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from ..backends.batching import LARGEST, Batches
from .alignment import Pixels

Heat = NDArray[np.float32]


class InParts:
    """The `Backend` contract over another backend; all pictures of a call have one size."""

    def __init__(self, backend: Backend, batch_size: int | None) -> None:
        """Without a `batch_size`, all that a GPU takes: there are too few faces in a picture to try out what suits it best."""
        most = None if backend.device == "cpu" else LARGEST
        self._backend, self._batches = backend, Batches(backend, batch_size or most)
        self.name, self.provider, self.device = backend.name, backend.provider, backend.device
        self.image_size, self.any_size = backend.image_size, backend.any_size

    def __call__(self, pictures: Pixels) -> Pixels:
        done: list[Pixels] = []
        self._batches.run(len(pictures), pictures.shape[1:3], lambda part: done.append(self._backend(pictures[part])))
        return np.concatenate(done)

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, Heat]:
        done: list[tuple[Pixels, Heat]] = []

        def run(part: slice) -> None:
            done.append(self._backend.translate_with_heatmap(pictures[part]))

        self._batches.run(len(pictures), pictures.shape[1:3], run)
        outputs, heats = zip(*done, strict=True)
        return np.concatenate(outputs), np.concatenate(heats)
