"""Sample sheets: the same pictures over time, so that progress can be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import images
from ..files import write_atomically
from .data import UnpairedFolders, to_tensor
from .step import Trainer

ROWS = 8


def to_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """float (N, 3, H, W) in [-1, 1] -> uint8 (N, H, W, 3), rounded as the official code's writer does."""
    levels = (pictures.float() * 0.5 + 0.5).mul(255).round().clamp(0, 255).byte()
    pixels: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def write_sample_sheet(path: Path, trainer: Trainer, folders: UnpairedFolders) -> None:
    """A PNG with one row per picture: a, a to b, a to b to a, then b, b to a, b to a to b (running averages)."""
    a2b, b2a = (trainer.averages[name] for name in ("generator_a2b", "generator_b2a"))
    columns: list[NDArray[np.uint8]] = []
    with torch.inference_mode():
        for paths, there, back in ((folders.paths_a, a2b, b2a), (folders.paths_b, b2a, a2b)):
            real = _pictures(paths, trainer.config.size).to(trainer.device)
            fake = there(real).image
            columns += [to_pixels(pictures) for pictures in (real, fake, back(fake).image)]
    rows = min(len(column) for column in columns)
    sheet = np.concatenate([np.concatenate(column[:rows], axis=0) for column in columns], axis=1)
    write_atomically(path, images.encode(sheet, format="PNG", quality=100))


def _pictures(paths: list[Path], size: int) -> Tensor:
    """Up to eight pictures spread over the folder."""
    chosen = paths[:: max(1, len(paths) // ROWS)][:ROWS]
    return to_tensor(np.stack([images.resize(images.read(path).pixels, size, size) for path in chosen]))
