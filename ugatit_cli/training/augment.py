"""What the discriminators see when pictures are few: differentiable augmentation (arXiv 2006.10738, colour part)."""

from __future__ import annotations

import torch
from torch import Tensor

BRIGHTNESS = 0.5  # shift drawn from [-0.5, 0.5], a quarter of the range [-1, 1] either way
CONTRAST = 0.5  # factor drawn from [0.5, 1.5]


def colour_jitter(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Each picture (B 3 H W) brighter or darker, and with more or less contrast, by its own amount."""
    count = pictures.shape[0]
    shift = (torch.rand(count, 1, 1, 1, generator=random) - 0.5) * 2 * BRIGHTNESS
    factor = torch.rand(count, 1, 1, 1, generator=random) * 2 * CONTRAST + (1 - CONTRAST)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return (pictures - mean) * factor.to(pictures.device) + mean + shift.to(pictures.device)
