"""L1, PSNR and SSIM against plain numpy."""

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


def plain_ssim(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Wang et al. 2004 of one channel from 0 to 255: windows of 11 x 11 with a Gaussian of 1.5 pixels, mirrored at the edges."""
    weights = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / weights.sum() ** 2
    windows = [np.lib.stride_tricks.sliding_window_view(np.pad(x, 5, "reflect"), (11, 11)) for x in (one, other)]

    def mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((x * window).sum(axis=(2, 3)))

    (mean_1, mean_2), products = map(mean, windows), mean(windows[0] * windows[1])
    variances = mean(windows[0] ** 2) - mean_1**2 + mean(windows[1] ** 2) - mean_2**2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_1 * mean_2 + c1) * (2 * (products - mean_1 * mean_2) + c2)
    return float((likeness / ((mean_1**2 + mean_2**2 + c1) * (variances + c2))).mean())


def test_ssim_is_that_of_the_formula(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    outputs, truths = (pictures.astype(np.float64) for pictures in pair)
    expected = [
        np.mean([plain_ssim(one[..., c], other[..., c]) for c in range(3)])
        for one, other in zip(outputs, truths, strict=True)
    ]
    assert compare(*pair).numpy()[:, 2] == pytest.approx(expected, rel=1e-6)


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
