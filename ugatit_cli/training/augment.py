"""What the discriminators see when pictures are few: differentiable augmentation (arXiv 2006.10738), on real and fake alike.

Every amount is drawn for the whole batch of all processes, so that it does not depend on how the batch is divided.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

BRIGHTNESS = 0.5  # shift drawn from [-0.5, 0.5], a quarter of the range [-1, 1] either way
CONTRAST = 0.5  # factor drawn from [0.5, 1.5]
SATURATION = 1.0  # factor drawn from [0, 2]
SHIFT = 1 / 8  # of the side, either way; what comes in is black
HOLE = 1 / 2  # side of the square that is set to the middle grey, of the picture's

Draw = Callable[[int], Tensor]
"""Given how many numbers a picture needs (K), N K of them from [0, 1), on the CPU."""


def augmented(pictures: Tensor, kind: str, draw: Draw) -> Tensor:
    """`pictures` (N 3 H W in [-1, 1]) after the augmentation of that kind: "none", "color" or "all"."""
    if kind == "none":
        return pictures
    if kind == "color":
        return colour_jitter(pictures, draw)
    return hole(shift(saturation(colour_jitter(pictures, draw), draw), draw), draw)


def colour_jitter(pictures: Tensor, draw: Draw) -> Tensor:
    """Each picture brighter or darker, and with more or less contrast, by its own amount."""
    amounts = _beside(pictures, draw(2))[..., None, None, None]  # N 2 1 1 1
    brightness = (amounts[:, 0] - 0.5) * 2 * BRIGHTNESS
    contrast = amounts[:, 1] * 2 * CONTRAST + (1 - CONTRAST)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return (pictures - mean) * contrast + mean + brightness


def saturation(pictures: Tensor, draw: Draw) -> Tensor:
    """Each picture's colours stronger or paler."""
    factor = _beside(pictures, draw(1))[..., None, None] * 2 * SATURATION + (1 - SATURATION)
    grey = pictures.mean(dim=1, keepdim=True)
    return (pictures - grey) * factor + grey


def shift(pictures: Tensor, draw: Draw) -> Tensor:
    """Each picture moved by up to an eighth of its side."""
    side = pictures.shape[-1]
    most = int(side * SHIFT)
    offsets = (draw(2) * (2 * most + 1)).long() - most  # N 2
    padded = torch.nn.functional.pad(pictures, (most,) * 4, value=-1)
    parts = [
        picture[:, most + down : most + down + side, most + right : most + right + side]
        for picture, (down, right) in zip(padded, offsets.tolist(), strict=True)
    ]
    return torch.stack(parts)


def hole(pictures: Tensor, draw: Draw) -> Tensor:
    """A grey square somewhere in each picture, partly outside it perhaps."""
    side = pictures.shape[-1]
    centres = _beside(pictures, draw(2)) * side  # N 2
    places = torch.arange(side, device=pictures.device) + 0.5
    near = (places - centres[..., None]).abs() <= side * HOLE / 2  # N 2 side
    inside = near[:, 0, :, None] & near[:, 1, None, :]  # N H W
    return pictures.masked_fill(inside[:, None], 0)


def _beside(pictures: Tensor, numbers: Tensor) -> Tensor:
    """On their device; nobody waits for it."""
    return numbers.to(pictures.device, non_blocking=True)
