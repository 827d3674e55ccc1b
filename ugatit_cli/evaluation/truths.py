"""Where a translation's true picture is known: how far from it the translation is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BEST_PSNR = 100.0  # dB; equal pictures would have infinitely many


@dataclass(frozen=True)
class PairScores:
    """Means over all pairs.

    Attributes:
        count: pairs compared.
        l1: mean absolute difference, in levels of 255.
        psnr: of each picture in dB, 100 at most.
        ssim: structural similarity (Wang et al. 2004): Gaussian window, sigma 1.5, each colour on its own; 1 is equal.
    """

    count: int
    l1: float
    psnr: float
    ssim: float


def compare(outputs: NDArray[np.uint8], truths: NDArray[np.uint8]) -> Tensor:
    """uint8 (N, H, W, 3) both -> float64 (N, 3): L1, PSNR and SSIM of each pair."""
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    ours, theirs = _planes(outputs), _planes(truths)
    l1 = (ours - theirs).abs().mean(dim=(1, 2, 3))
    psnr = peak_signal_noise_ratio(ours, theirs, data_range=255.0, dim=(1, 2, 3), reduction="none")
    ssim = structural_similarity_index_measure(ours, theirs, data_range=255.0, reduction="none")
    assert isinstance(ssim, Tensor)  # a tuple only where asked for more
    return torch.stack([l1, psnr.clamp(max=BEST_PSNR).flatten(), ssim.flatten()], dim=1)


def summarise(scores: list[Tensor]) -> PairScores | None:
    """Means over what `compare` gave, batch by batch; None where there are no pairs."""
    if not scores:
        return None
    every = torch.cat(scores)
    l1, psnr, ssim = every.mean(dim=0).tolist()
    return PairScores(len(every), l1, psnr, ssim)


def _planes(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).double()
