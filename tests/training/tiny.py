"""A trainer that has made a step, small enough to be saved in a twentieth of a second, and the way to compare two."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import Batch
from ugatit_cli.training.step import Trainer

CPU = torch.device("cpu")
SETTINGS: dict[str, Any] = {"size": 32, "channels": 4, "blocks": 1, "discriminator_channels": 4, "steps": 100}


def untrained(**settings: Any) -> Trainer:
    return Trainer(TrainConfig(a=Path("a"), b=Path("b"), **(SETTINGS | settings)), CPU)


def noise(count: int, *, size: int = 32, seed: int = 0) -> Batch:
    random = torch.Generator().manual_seed(seed)
    return Batch(*(torch.rand(count, 3, size, size, generator=random) * 2 - 1 for _ in "ab"))


def trained(**settings: Any) -> Trainer:
    trainer = untrained(**settings)
    trainer.advance(noise(1, seed=1))
    return trainer


def everything(trainer: Trainer) -> dict[str, Tensor]:
    state = dict(trainer.networks.state_dict())
    for name, average in trainer.averages.items():
        state |= {f"average.{name}.{key}": value for key, value in average.state_dict().items()}
    for kind, optimizer in (("g", trainer.generator_optimizer), ("d", trainer.discriminator_optimizer)):
        for number, values in optimizer.state_dict()["state"].items():
            state |= {f"{kind}.{number}.{key}": value for key, value in values.items()}
    return state


def assert_same_bits(one: Trainer, other: Trainer) -> None:
    first, second = everything(one), everything(other)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
