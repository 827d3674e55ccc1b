"""Files as the official PyTorch code writes them, with random numbers: names and shapes written down from its README."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ugatit_cli.config import GeneratorConfig

CONFIGS = [
    GeneratorConfig("light", channels=1, blocks=1),
    GeneratorConfig("light", channels=3, blocks=4),
    GeneratorConfig("light", channels=8, blocks=2),
    GeneratorConfig("light", channels=2, blocks=12),
    GeneratorConfig("full", channels=1, blocks=1, image_size=16),
    GeneratorConfig("full", channels=2, blocks=4, image_size=32),
    GeneratorConfig("full", channels=3, blocks=2, image_size=20),
    GeneratorConfig("full", channels=4, blocks=6, image_size=48),
]
TINY = GeneratorConfig("light", channels=1, blocks=1)


def generator_shapes(config: GeneratorConfig) -> dict[str, tuple[int, ...]]:
    c, m = config.channels, config.channels * 4
    inputs = m if config.variant == "light" else m * (config.image_size // 4) ** 2
    shapes: dict[str, tuple[int, ...]] = {
        "DownBlock.1.weight": (c, 3, 7, 7),
        "DownBlock.5.weight": (2 * c, c, 3, 3),
        "DownBlock.9.weight": (4 * c, 2 * c, 3, 3),
        "gap_fc.weight": (1, m),
        "gmp_fc.weight": (1, m),
        "conv1x1.weight": (m, 2 * m, 1, 1),
        "conv1x1.bias": (m,),
        "FC.0.weight": (m, inputs),
        "FC.2.weight": (m, m),
        "gamma.weight": (m, m),
        "beta.weight": (m, m),
        "UpBlock2.2.weight": (2 * c, 4 * c, 3, 3),
        "UpBlock2.7.weight": (c, 2 * c, 3, 3),
        "UpBlock2.11.weight": (3, c, 7, 7),
    }
    for i in range(config.blocks):
        for n, place in ((1, 1), (2, 5)):
            shapes[f"DownBlock.{12 + i}.conv_block.{place}.weight"] = (m, m, 3, 3)
            shapes[f"UpBlock1_{i + 1}.conv{n}.weight"] = (m, m, 3, 3)
            shapes[f"UpBlock1_{i + 1}.norm{n}.rho"] = (1, m, 1, 1)
    for place, width in ((3, 2 * c), (8, c)):
        shapes |= {f"UpBlock2.{place}.{part}": (1, width, 1, 1) for part in ("rho", "gamma", "beta")}
    return shapes


def generator_state(config: GeneratorConfig, seed: int = 0) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=random) * 0.1 for name, shape in generator_shapes(config).items()}


def save(path: Path, content: object, *, legacy: bool = False) -> Path:
    """torch.save in today's zip format or in that of 2019."""
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path
