"""How far two translations of the same pictures are apart, in levels of 255."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BEST_PSNR = 100.0  # dB; equal pictures would have infinitely many


@dataclass(frozen=True)
class Parity:
    """Attributes:
    pictures: how many were compared.
    largest, mean: of the absolute differences of all channels of all pixels, in levels.
    psnr: in dB, over all pixels together, 100 at most.
    worst_psnr: of the single picture that differs most.
    """

    pictures: int
    largest: int
    mean: float
    psnr: float
    worst_psnr: float


def compare(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> Parity:
    """uint8 (N, H, W, 3) both, N at least 1.

    Raises:
        ValueError: they do not have the same shape.
    """
    import numpy as np

    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.shape} and {theirs.shape} cannot be compared")
    difference = np.abs(ours.astype(np.int16) - theirs)
    squares = np.square(difference.astype(np.float64)).mean(axis=(1, 2, 3))
    worst = _psnr(float(squares.max()))
    return Parity(len(ours), int(difference.max()), float(difference.mean()), _psnr(float(squares.mean())), worst)


def combine(parts: Iterable[Parity]) -> Parity:
    """As if the pictures of all (at least one) had been compared at once, each counting the same whatever its size."""
    found = list(parts)
    total = sum(part.pictures for part in found)
    errors = sum(_squared_error(part.psnr) * part.pictures for part in found) / total
    mean = sum(part.mean * part.pictures for part in found) / total
    worst = min(part.worst_psnr for part in found)
    return Parity(total, max(part.largest for part in found), mean, _psnr(errors), worst)


def _psnr(squared_error: float) -> float:
    return min(BEST_PSNR, 10 * math.log10(255**2 / squared_error)) if squared_error else BEST_PSNR


def _squared_error(psnr: float) -> float:
    return 0.0 if psnr >= BEST_PSNR else float(255**2 / 10 ** (psnr / 10))
