"""A backend for tests: a generator whose every output is known without a network."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from ugatit_cli.errors import ResourceError


class InvertingBackend:
    """Turns every colour into its opposite, and keeps the shapes of the batches that it was given."""

    name = provider = "inverting"
    image_size = 32

    def __init__(
        self, *, device: str = "cpu", any_size: bool = True, seconds: float = 0.0, memory: int | None = None
    ) -> None:
        """`memory` is how many pictures fit into it."""
        self.device = device
        self.any_size = any_size
        self.seconds = seconds
        self.memory = memory
        self.batches: list[tuple[int, ...]] = []

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.memory is not None and len(pictures) > self.memory:
            raise ResourceError("too many", name="out-of-memory")
        time.sleep(self.seconds)
        self.batches.append(pictures.shape)
        return 255 - pictures

    def translate_with_heatmap(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The attention is how green a picture is."""
        return self(pictures), pictures[:, ::4, ::4, 1].astype(np.float32)
