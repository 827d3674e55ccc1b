"""What a feature network is: pictures in, numbers out that KID and FID compare."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import BadModelError


class FeatureNetwork(nn.Module):
    """uint8 (N, 3, H, W) on any device -> float32 (N, num_features) on its own; torchmetrics takes it as `feature`.

    Attributes:
        name: the protocol that every number measured with it carries.
        resize: how it brings pictures to its own size, in words; part of the protocol, too.
        num_features: how many numbers describe a picture.
        notes: what the reader of those numbers should know, a plain sentence each.
    """

    name: str
    resize: str
    num_features: int
    notes: tuple[str, ...] = ()


def extract(features: FeatureNetwork, pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (N, H, W, 3) -> float64 (N, num_features) on the CPU.

    Raises:
        BadModelError: a feature is not finite.
    """
    planes = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    values: Tensor = features(planes).detach().cpu().double()
    if not bool(torch.isfinite(values).all()):
        raise BadModelError(
            f"the feature network {features.name} gives numbers that are not finite: its weights are damaged",
            hint="leave --features out to measure with the built-in features",
            name="features-not-finite",
        )
    return values
