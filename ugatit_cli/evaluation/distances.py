"""How far two sets of feature vectors, float64 (N, d) and (M, d), lie apart: KID and FID.

KID (arXiv 1801.01401) is the unbiased estimate of the squared maximum mean discrepancy with the kernel
k(x, y) = (x.y / d + 1)^3; it may fall slightly below 0. FID (arXiv 1706.08500) compares means and covariances.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn

RESAMPLES = 1000
CONFIDENCE = 0.95
ROWS_AT_ONCE = 1024  # of a kernel matrix: for 10,000 pictures the whole of it would take 800 MB
PAPER_BLOCK = 10
FEWEST = 2  # an unbiased variance, and an unbiased mean of k(x, x'), need two pictures


class AsTheyAre(nn.Module):
    """The feature network of torchmetrics where features are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def subsets_for(fakes: int, reals: int, subset_size: int, subsets: int) -> tuple[int, int]:
    """(pictures in a subset, number of subsets): no more than there are, and only one where each would hold them all."""
    size = min(subset_size, fakes, reals)
    return size, 1 if size == fakes == reals else subsets


def kid(fakes: Tensor, reals: Tensor, subset_size: int, subsets: int, seed: int) -> float:
    """The mean over random subsets, by torchmetrics; the caller's random state stays as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that features are kept in memory, where they are anyway
        from torchmetrics.image.kid import KernelInceptionDistance

        metric = KernelInceptionDistance(AsTheyAre(reals.shape[1]), subsets=subsets, subset_size=subset_size)
    metric.update(reals, real=True)
    metric.update(fakes, real=False)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach the GPUs' generators, too
        mean, _ = metric.compute()
    return float(mean)


def fid(fakes: Tensor, reals: Tensor) -> float:
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(AsTheyAre(reals.shape[1]))
    metric.update(reals, real=True)
    metric.update(fakes, real=False)
    return float(metric.compute().clamp(min=0))  # of equal sets, rounding makes it slightly negative


def kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate over both sets whole, which may differ in size."""
    within = [(k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))]
    return float(within[0] + within[1] - 2 * kernel(x, y).mean())


def kid_interval(fakes: Tensor, reals: Tensor, seed: int) -> tuple[float, float]:
    """Between which values KID lies with 95 % confidence, had other pictures been drawn: a Bayesian bootstrap.

    Each resample weighs the pictures at random (Rubin 1981). A picture is never compared with itself, or resampling
    with repetitions would push every estimate up.
    """
    random = torch.Generator().manual_seed(seed)
    weights = [_weights(len(features), random) for features in (fakes, reals)]
    within = [_weighted_within(features, weight) for features, weight in zip((fakes, reals), weights, strict=True)]
    estimates = within[0] + within[1] - 2 * _weighted_across(fakes, reals, *weights)
    tail = (1 - CONFIDENCE) / 2
    low, high = torch.quantile(estimates, torch.tensor([tail, 1 - tail], dtype=estimates.dtype)).tolist()
    return low, high


def _weights(count: int, random: torch.Generator) -> Tensor:
    """RESAMPLES rows of `count` weights, each row uniform over all that add up to 1."""
    weights = -torch.rand(RESAMPLES, count, generator=random, dtype=torch.float64).clamp(min=1e-300).log()
    return weights / weights.sum(dim=1, keepdim=True)


def _weighted_within(x: Tensor, weights: Tensor) -> Tensor:
    """Per resample the weighted mean of k over all pairs of two different pictures."""
    own = kernel_of_itself(x)
    pairs = _weighted_across(x, x, weights, weights) - weights.square() @ own
    return pairs / (1 - weights.square().sum(dim=1))


def kernel_of_itself(x: Tensor) -> Tensor:
    return (x.square().sum(dim=1) / x.shape[1] + 1) ** 3


def _weighted_across(x: Tensor, y: Tensor, x_weights: Tensor, y_weights: Tensor) -> Tensor:
    total = torch.zeros(RESAMPLES, dtype=x.dtype)
    for first in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        total += ((x_weights[:, rows] @ kernel(x[rows], y)) * y_weights).sum(dim=1)
    return total


class PaperKid(NamedTuple):
    """KID x 100 as U-GAT-IT's paper has it, and its standard error; None where nothing is known of that."""

    value: float
    error: float | None


def paper_kid(fakes: Tensor, sources: Tensor, targets: Tensor, seed: int) -> PaperKid:
    """100 times the average of the KID to the source and the KID to the target, each over blocks of 10 pictures.

    So it falls, too, when the output looks like the input. The error is the average of both standard errors over the
    blocks; a single block says nothing about it.
    """
    parts = [_blocks(fakes, reals, seed) for reals in (sources, targets)]
    value = sum(float(block.mean()) for block in parts) / 2
    if any(len(block) == 1 for block in parts):
        return PaperKid(100 * value, None)
    error = sum(float(block.std()) / math.sqrt(len(block)) for block in parts) / 2
    return PaperKid(100 * value, 100 * error)


def _blocks(fakes: Tensor, reals: Tensor, seed: int) -> Tensor:
    """The unbiased estimate in each block; both sets are shuffled and cut into as many nearly equal blocks."""
    random = torch.Generator().manual_seed(seed)
    shuffled = [features[torch.randperm(len(features), generator=random)] for features in (fakes, reals)]
    wanted = math.ceil(max(len(fakes), len(reals)) / PAPER_BLOCK)
    count = max(1, min(wanted, min(len(fakes), len(reals)) // FEWEST))
    pairs = zip(*(features.tensor_split(count) for features in shuffled), strict=True)
    return torch.tensor([squared_mmd(x, y) for x, y in pairs], dtype=torch.float64)
