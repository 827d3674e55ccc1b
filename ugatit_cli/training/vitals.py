"""What the losses do not tell: how much the generators change, how varied their pictures are, where the rhos stand."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import Batch
from .objective import Fakes, Networks

LEVELS: Final = 127.5  # of 255, for a difference of 1 in [-1, 1]
COARSE_SIDE: Final = 4  # a thumbnail for variety keeps what is where in broad areas, and no texture
FEWEST: Final = 8  # pictures from which variety can be told
LEAST_SPREAD: Final = 1 / LEVELS  # of real pictures; less is one picture again and again
RHO_BINS: Final = 10

Numbers = dict[str, float | list[int] | None]


class Vitals:
    """Gathers over a log interval, on the device and without waiting for it; its size does not grow.

    `rho_limit` is the upper bound that training keeps the rhos under.
    """

    def __init__(self, rho_limit: float = 1.0) -> None:
        self._rho_limit = rho_limit
        self._count: int
        self._changes: Tensor  # 2: sums over pictures
        self._sums: Tensor  # 4 48
        self._squares: Tensor
        self._forget()

    @torch.no_grad()
    def observe(self, batch: Batch, fakes: Fakes) -> None:
        """Take note of one step's pictures."""
        pictures = [x.detach().float() for x in (batch.real_a, batch.real_b, fakes.fake_a, fakes.fake_b)]
        real_a, real_b, fake_a, fake_b = pictures
        changes = torch.stack([(fake_b - real_a).abs().mean(), (fake_a - real_b).abs().mean()])
        thumbnails = torch.stack([F.adaptive_avg_pool2d(x, COARSE_SIDE).flatten(1) for x in pictures])  # 4 N 48
        count = len(real_a)
        self._count += count
        self._changes = self._changes + changes * count
        self._sums = self._sums + thumbnails.sum(dim=1)
        self._squares = self._squares + thumbnails.square().sum(dim=1)

    def take(self, networks: Networks) -> Numbers:
        """The numbers since the last call, after which a new interval begins.

        change_a2b, change_b2a: mean |translated - original| in levels of 255; None before the first step.
        variety_a2b, variety_b2a: spread of the translated pictures' 4 x 4 thumbnails over that of the real ones, of the
            domain where it is smaller: 1 is as varied as them, 0 is always the same picture. None for fewer than eight
            pictures, or where a domain's real ones do not differ.
        rho_mean, rho_at_zero, rho_at_one: over AdaLIN and LIN of both generators; shares at the lower and upper bound.
        rho_histogram: how many are in each tenth of [0, 1].
        """
        numbers: Numbers = {**self._pictures(), **_rhos(networks, self._rho_limit)}
        self._forget()
        return numbers

    def _forget(self) -> None:
        self._count = 0
        self._changes = self._sums = self._squares = torch.zeros(())

    def _pictures(self) -> Numbers:
        names = ("change_a2b", "change_b2a", "variety_a2b", "variety_b2a")
        if self._count == 0:
            return dict.fromkeys(names)
        means = self._sums / self._count
        variance = (self._squares / self._count - means.square()).clamp(min=0)  # 4 48
        spreads = variance.mean(dim=1).sqrt()
        change_a2b, change_b2a, real_a, real_b, fake_a, fake_b = torch.cat(
            [self._changes / self._count * LEVELS, spreads]
        ).tolist()
        least = min(real_a, real_b)
        known = self._count >= FEWEST and least >= LEAST_SPREAD
        varieties = (fake_b / least, fake_a / least) if known else (None, None)
        return dict(zip(names, (change_a2b, change_b2a, *varieties), strict=True))


@torch.no_grad()
def _rhos(networks: Networks, limit: float) -> Numbers:
    rhos = torch.cat([parameter.flatten() for name, parameter in networks.named_parameters() if name.endswith(".rho")])
    rhos = rhos.float().cpu()
    return {
        "rho_mean": float(rhos.mean()),
        "rho_at_zero": float((rhos <= 0).float().mean()),
        "rho_at_one": float((rhos >= limit).float().mean()),
        "rho_histogram": [int(count) for count in torch.histc(rhos, RHO_BINS, 0, 1).tolist()],
    }
