"""The built-in features: always the same, and KID by them grows with whatever makes pictures worse."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation.plain_features import plain_features
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from ugatit_cli.evaluation import FeatureNetwork, extract
from ugatit_cli.evaluation.distances import kid, kid_interval, squared_mmd

COUNT = 20
SIDE = 128
Pictures = NDArray[np.uint8]
Spoil = Callable[[Image.Image, float], Image.Image]


def blurred(picture: Image.Image, radius: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(radius))


def noisy(picture: Image.Image, levels: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, levels, (SIDE, SIDE, 3))
    return Image.fromarray((np.asarray(picture) + noise).round().clip(0, 255).astype(np.uint8))


def yellowed(picture: Image.Image, part: float) -> Image.Image:
    return Image.fromarray((np.asarray(picture) * [1, 1, 1 - part]).round().astype(np.uint8))


def every_nth(folder: Path, start: int) -> list[Image.Image]:
    paths = sorted(folder.glob("*.jpg"))[start :: len(list(folder.glob("*.jpg"))) // COUNT][:COUNT]
    pictures = []
    for path in paths:
        with Image.open(path) as image:
            pictures.append(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return pictures


def described(features: FeatureNetwork, pictures: list[Image.Image]) -> Tensor:
    return extract(features, np.stack([np.asarray(picture) for picture in pictures]))


@pytest.fixture(scope="module")
def halves(shared: Path) -> tuple[list[Image.Image], list[Image.Image]]:
    """Two samples of shaded emoji that have no picture in common."""
    folder = shared / "data" / "flat2fluent3d" / "trainB"
    return every_nth(folder, 0), every_nth(folder, 7)


@pytest.fixture(scope="module")
def real(halves: tuple[list[Image.Image], list[Image.Image]], features: FeatureNetwork) -> Tensor:
    return described(features, halves[0])


@pytest.fixture(scope="module")
def clean(halves: tuple[list[Image.Image], list[Image.Image]], features: FeatureNetwork) -> Tensor:
    return described(features, halves[1])


def test_two_samples_of_one_world_are_no_distance_apart(real: Tensor, clean: Tensor) -> None:
    low, high = kid_interval(clean, real, seed=0)
    assert low < 0 < high
    assert abs(kid(clean, real, COUNT, 1, seed=0)) < 0.05


@pytest.mark.parametrize(
    ("spoil", "amounts"), [(blurred, (1.0, 2.0, 4.0)), (noisy, (6, 12, 24)), (yellowed, (0.15, 0.3, 0.6))]
)
def test_worse_pictures_are_farther_away(
    halves: tuple[list[Image.Image], list[Image.Image]],
    real: Tensor,
    clean: Tensor,
    features: FeatureNetwork,
    spoil: Spoil,
    amounts: tuple[float, ...],
) -> None:
    spoiled = [described(features, [spoil(picture, amount) for picture in halves[1]]) for amount in amounts]
    distances = [squared_mmd(fakes, real) for fakes in (clean, *spoiled)]
    assert distances == sorted(distances)
    assert distances[-1] > distances[0] + 0.1
    assert kid_interval(spoiled[-1], real, seed=0)[0] > 0


def test_foreign_pictures_are_noticed_by_their_share(
    shared: Path, real: Tensor, clean: Tensor, features: FeatureNetwork
) -> None:
    foreign = described(features, every_nth(shared / "data" / "portrait2toon" / "trainA", 0))
    shares = (0, COUNT // 4, COUNT // 2, 3 * COUNT // 4, COUNT)
    distances = [squared_mmd(torch.cat([clean[n:], foreign[:n]]), real) for n in shares]
    assert distances == sorted(distances)
    assert distances[-1] > 0.4


def picture(seed: int, side: int = 96) -> Pictures:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def test_each_picture_is_described_on_its_own(features: FeatureNetwork) -> None:
    pictures = np.stack([picture(seed) for seed in range(3)])
    together = extract(features, pictures)
    assert together.shape == (3, features.num_features)
    for number in range(3):
        torch.testing.assert_close(extract(features, pictures[number : number + 1])[0], together[number])


def test_the_features_are_those_that_the_docs_describe(shared: Path, features: FeatureNetwork) -> None:
    paths = [next((shared / "data" / name).glob("*.jpg")) for name in ("flat2fluent3d/testB", "portrait2toon/testA")]
    pictures = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    for picture, row in zip(pictures, extract(features, pictures), strict=True):
        assert row.numpy() == pytest.approx(np.array(plain_features(picture)), abs=1e-4)


def test_extremes_are_finite_and_not_alike(features: FeatureNetwork) -> None:
    flat = [np.full((64, 64, 3), level, np.uint8) for level in (0, 255)]
    noise = np.random.default_rng(0).integers(0, 2, (64, 64, 3), dtype=np.uint8) * 255
    rows = extract(features, np.stack([*flat, noise]))
    assert float(rows.abs().max()) < 10
    assert float((rows[0] - rows[1]).abs().max()) > 1


def test_torchmetrics_takes_the_network_itself(features: FeatureNetwork) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        from torchmetrics.image.kid import KernelInceptionDistance

        metric = KernelInceptionDistance(features, subsets=1, subset_size=6)
    sets = [np.stack([picture(seed) for seed in range(start, start + 6)]) for start in (0, 10)]
    for pictures, is_real in zip(sets, (False, True), strict=True):
        metric.update(torch.from_numpy(pictures).permute(0, 3, 1, 2), real=is_real)
    fakes, reals = (extract(features, pictures) for pictures in sets)
    assert float(metric.compute()[0]) == pytest.approx(squared_mmd(fakes, reals), abs=1e-4)
