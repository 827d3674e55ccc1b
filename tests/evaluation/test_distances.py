"""KID and FID against plain implementations written here, straight from the papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ugatit_cli.evaluation.distances import (
    fid,
    kid,
    kid_interval,
    paper_kid,
    squared_mmd,
    subsets_for,
)

Vectors = NDArray[np.float64]


def plain_mmd(x: Vectors, y: Vectors) -> float:
    """Binkowski et al. 2018: the unbiased estimate with k(a, b) = (a.b / d + 1)^3, one pair after the other."""

    def k(a: Vectors, b: Vectors) -> float:
        return float((np.dot(a, b) / len(a) + 1) ** 3)

    xx = [k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
    yy = [k(y[i], y[j]) for i in range(len(y)) for j in range(len(y)) if i != j]
    xy = [k(a, b) for a in x for b in y]
    return float(np.mean(xx) + np.mean(yy) - 2 * np.mean(xy))


def plain_fid(x: Vectors, y: Vectors) -> float:
    """Heusel et al. 2017, with the root of a product of covariances taken by symmetric decompositions."""
    one, two = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, vectors = np.linalg.eigh(one)
    root = vectors @ np.diag(np.sqrt(values.clip(min=0))) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ two @ root).clip(min=0)).sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(one) + np.trace(two) - 2 * trace)


def vectors(count: int, seed: int, *, shift: float = 0.0, width: int = 7) -> Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.normal(size=(count, width)) * np.linspace(0.5, 1.5, width) + shift)


@pytest.mark.parametrize(("fakes", "reals"), [(20, 20), (12, 31), (2, 2)])
def test_the_estimate_is_that_of_the_formula(fakes: int, reals: int) -> None:
    x, y = vectors(fakes, 1, shift=0.4), vectors(reals, 2)
    assert squared_mmd(x, y) == pytest.approx(plain_mmd(x.numpy(), y.numpy()), rel=1e-10)


def test_kid_over_all_pictures_is_that_of_the_formula() -> None:
    x, y = vectors(20, 1, shift=0.4), vectors(20, 2)
    assert kid(x, y, 20, 1, seed=0) == pytest.approx(plain_mmd(x.numpy(), y.numpy()), rel=1e-6)


def test_kid_over_random_subsets_comes_to_the_same() -> None:
    x, y = vectors(60, 1, shift=0.8), vectors(45, 2)
    many = kid(x, y, 30, 500, seed=0)
    assert many == pytest.approx(squared_mmd(x, y), rel=0.05)
    assert many == kid(x, y, 30, 500, seed=0)
    assert many != kid(x, y, 30, 500, seed=1)


def test_the_callers_random_numbers_stay_as_they_were() -> None:
    x, y = vectors(9, 1), vectors(9, 2)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    kid(x, y, 4, 10, seed=0)
    kid_interval(x, y, seed=0)
    paper_kid(x, y, y, seed=0)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("fakes", "reals"), [(40, 40), (5, 30)])  # the second: fewer pictures than features
def test_fid_is_that_of_the_formula(fakes: int, reals: int) -> None:
    x, y = vectors(fakes, 1, shift=0.4), vectors(reals, 2)
    assert fid(x, y) == pytest.approx(plain_fid(x.numpy(), y.numpy()), rel=1e-6)


def test_fid_agrees_with_scipys_matrix_root() -> None:
    linalg = pytest.importorskip("scipy.linalg", reason="scipy is not installed")
    x, y = vectors(50, 1, shift=0.4), vectors(60, 2)
    one, two = np.cov(x.numpy(), rowvar=False), np.cov(y.numpy(), rowvar=False)
    trace = np.trace(one + two - 2 * np.real(linalg.sqrtm(one @ two)))
    means = float(((x.mean(0) - y.mean(0)) ** 2).sum())
    assert fid(x, y) == pytest.approx(means + trace, rel=1e-6)


def test_equal_sets_have_no_fid() -> None:
    x = vectors(30, 1)
    assert 0 <= fid(x, x) < 1e-4


def test_a_fid_that_is_not_a_number_is_not_perfect() -> None:
    x = vectors(30, 1)
    x[3, 2] = float("inf")
    assert np.isnan(fid(x, vectors(30, 2)))


def test_subsets_are_no_larger_than_the_sets() -> None:
    assert subsets_for(5000, 2000, 1000, 100) == (1000, 100)
    assert subsets_for(20, 50, 1000, 100) == (20, 100)
    assert subsets_for(38, 38, 1000, 100) == (38, 1)  # every subset would be the same


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Pictures drawn again and again from two small worlds whose distance is known exactly."""
    one, two = vectors(40, 1, shift=0.6), vectors(40, 2)

    def k(x: Tensor, y: Tensor) -> float:
        return float(((x @ y.T / x.shape[1] + 1) ** 3).mean())

    truth = k(one, one) + k(two, two) - 2 * k(one, two)  # drawn with repetition: a pair may be the same twice
    random, hits = torch.Generator().manual_seed(0), 0
    for seed in range(100):
        fakes, reals = (world[torch.randint(40, (25,), generator=random)] for world in (one, two))
        low, high = kid_interval(fakes, reals, seed)
        assert low < squared_mmd(fakes, reals) < high
        hits += low <= truth <= high
    assert hits >= 88


def test_more_pictures_make_the_interval_narrower() -> None:
    widths = []
    for count in (20, 80, 320):
        low, high = kid_interval(vectors(count, 1, shift=0.5), vectors(count, 2), seed=0)
        widths.append(high - low)
    assert widths[0] > 1.4 * widths[1] > 1.4**2 * widths[2]


def test_the_interval_of_many_pictures_needs_no_whole_kernel_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = vectors(50, 1, shift=0.5), vectors(70, 2)
    whole = kid_interval(x, y, seed=0)
    monkeypatch.setattr("ugatit_cli.evaluation.distances.ROWS_AT_ONCE", 16)
    assert kid_interval(x, y, seed=0) == pytest.approx(whole)


def test_the_papers_kid_of_one_block_is_the_average_of_two() -> None:
    fakes, sources, targets = vectors(10, 1, shift=0.3), vectors(10, 2), vectors(9, 3)
    expected = 50 * (plain_mmd(fakes.numpy(), sources.numpy()) + plain_mmd(fakes.numpy(), targets.numpy()))
    value, error = paper_kid(fakes, sources, targets, seed=0)
    assert value == pytest.approx(expected)
    assert error is None


def test_one_block_on_either_side_leaves_the_papers_kid_without_an_error() -> None:
    for sources, targets in ((10, 40), (40, 10)):
        assert paper_kid(vectors(10, 1), vectors(sources, 2), vectors(targets, 3), seed=0).error is None
    assert paper_kid(vectors(11, 1), vectors(4, 2), vectors(4, 3), seed=0).error is not None


def test_the_papers_kid_goes_over_blocks_of_ten() -> None:
    fakes, reals = vectors(24, 1, shift=0.3), vectors(30, 2)
    random = torch.Generator().manual_seed(3)
    x, y = (np.array_split(v.numpy()[torch.randperm(len(v), generator=random).numpy()], 3) for v in (fakes, reals))
    blocks = [plain_mmd(a, b) for a, b in zip(x, y, strict=True)]
    value, error = paper_kid(fakes, reals, reals, seed=3)
    assert value == pytest.approx(100 * np.mean(blocks))
    assert error == pytest.approx(100 * np.std(blocks, ddof=1) / np.sqrt(3))


def test_the_papers_kid_works_with_very_few() -> None:
    assert np.isfinite(paper_kid(vectors(3, 1), vectors(40, 2), vectors(2, 3), seed=0).value)
