"""The objective of U-GAT-IT (section 2.2): pure functions of what the networks gave."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network import Verdict


def towards(verdict: Tensor, target: float) -> Tensor:
    """Least-squares adversarial term: mean of (verdict - target)^2 (equation 4)."""
    return F.mse_loss(verdict, torch.full_like(verdict, target))


def discriminator_terms(real: Verdict, fake: Verdict) -> tuple[Tensor, Tensor]:
    """One discriminator's two terms, on its patches and on its CAM logits: real towards 1, fake towards 0."""
    score = towards(real.score, 1) + towards(fake.score, 0)
    cam = towards(real.cam_logits, 1) + towards(fake.cam_logits, 0)
    return score, cam


def generator_terms(fake: Verdict) -> tuple[Tensor, Tensor]:
    """What a discriminator's verdict on a fake costs the generator: both towards 1."""
    return towards(fake.score, 1), towards(fake.cam_logits, 1)


def cam_term(source_logits: Tensor, target_logits: Tensor) -> Tensor:
    """The generator's own classifier tells its source domain (1) from its target domain (0) (equation 7)."""
    bce = F.binary_cross_entropy_with_logits
    return bce(source_logits, torch.ones_like(source_logits)) + bce(target_logits, torch.zeros_like(target_logits))


def total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()
