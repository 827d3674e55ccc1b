"""Small folders of pictures that can be told apart, and features of two kinds: the built-in ones, and quick ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ugatit_cli.evaluation import FeatureNetwork, load_features


@pytest.fixture(scope="session")
def features() -> FeatureNetwork:
    return load_features("builtin")


class CoarsePixels(FeatureNetwork):
    """A picture at 4x4 pixels, 48 numbers: for tests of everything but the features."""

    name = "coarse-pixels"
    resize = "features at 4 px"
    num_features = 48

    def forward(self, pictures: Tensor) -> Tensor:
        return F.interpolate(pictures.float() / 128 - 1, (4, 4), mode="area").flatten(1)


@pytest.fixture(scope="session")
def coarse() -> FeatureNetwork:
    return CoarsePixels()


def blobs(seed: int, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A few soft spots, 32 pixels wide."""
    coarse = np.random.default_rng(seed).integers(0, 160, (4, 4, 3), dtype=np.uint8) + np.array(colour, np.uint8)
    return np.array(Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC))


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., list[Path]]:
    """Make a folder of numbered pictures; returns their paths."""

    def make(name: str, count: int, colour: tuple[int, int, int] = (90, 0, 0), seed: int = 0) -> list[Path]:
        (tmp_path / name).mkdir()
        paths = [tmp_path / name / f"{number:03d}.png" for number in range(count)]
        for number, path in enumerate(paths):
            Image.fromarray(blobs(seed * 1000 + number, colour)).save(path)
        return paths

    return make
