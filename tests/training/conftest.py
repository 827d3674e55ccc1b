"""A run so small that a step takes a tenth of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ugatit_cli.training.config import TrainConfig


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Domain A: five bluish noises; domain B: seven reddish ones."""
    random = np.random.default_rng(0)
    for name, count, colour in (("a", 5, (0, 0, 90)), ("b", 7, (90, 0, 0))):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = random.integers(0, 160, (40, 44, 3), dtype=np.uint8) + np.array(colour, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    return tmp_path / "a", tmp_path / "b"


@pytest.fixture
def config(folders: tuple[Path, Path]) -> TrainConfig:
    a, b = folders
    return TrainConfig(
        a=a, b=b, size=32, channels=4, blocks=1, discriminator_channels=4, steps=6, save_every=2, sample_every=3, log_every=2,
        augment="color",
    )  # fmt: skip
