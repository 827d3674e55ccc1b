"""L1, PSNR and SSIM against plain numpy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ugatit_cli.evaluation.truths import compare, summarise


@pytest.fixture
def pair() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    truths = np.cumsum(random.integers(-9, 10, (3, 64, 48, 3)), axis=2).clip(-120, 120).astype(np.int16) + 128
    outputs = (truths + random.normal(0, 8, truths.shape)).clip(0, 255)
    return outputs.astype(np.uint8), truths.astype(np.uint8)


def test_l1_and_psnr_are_those_of_the_formulas(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    outputs, truths = pair
    differences = outputs.astype(float) - truths
    scores = compare(outputs, truths).numpy()
    assert scores[:, 0] == pytest.approx(np.abs(differences).mean(axis=(1, 2, 3)))
    assert scores[:, 1] == pytest.approx(10 * np.log10(255**2 / (differences**2).mean(axis=(1, 2, 3))))


def test_ssim_is_that_of_scikit_image(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    outputs, truths = pair
    expected = [
        metrics.structural_similarity(
            *(np.pad(picture, ((5, 5), (5, 5), (0, 0)), "reflect") for picture in both),  # it leaves 5 pixels out
            channel_axis=2,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for both in zip(outputs, truths, strict=True)
    ]
    assert compare(outputs, truths).numpy()[:, 2] == pytest.approx(expected, rel=1e-6)


def test_means_go_over_all_batches(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    outputs, truths = pair
    whole = summarise([compare(outputs, truths)])
    parts = summarise([compare(outputs[:1], truths[:1]), compare(outputs[1:], truths[1:])])
    assert whole is not None
    assert parts is not None
    assert (parts.count, parts.l1, parts.ssim) == pytest.approx((3, whole.l1, whole.ssim))


def test_equal_pictures_are_the_best_there_is(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    scores = summarise([compare(pair[1], pair[1])])
    assert scores is not None
    assert (scores.l1, scores.psnr, scores.ssim) == pytest.approx((0, 100, 1))


def test_no_pairs_give_no_scores() -> None:
    assert summarise([]) is None
