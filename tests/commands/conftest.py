"""Networks so small that a picture takes a hundredth of a second, as model files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator


def saved(path: Path, config: GeneratorConfig, *, seed: int = 0) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        states = {direction: Generator(config).state_dict() for direction in ("a2b", "b2a")}
    weights.save(path, config, states, metadata={})  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Light, both directions, made for pictures of 32 pixels."""
    return saved(tmp_path_factory.mktemp("models") / "tiny.safetensors", GeneratorConfig("light", 4, 1, 32))


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Full: works at 32 pixels only."""
    return saved(tmp_path_factory.mktemp("models") / "full.safetensors", GeneratorConfig("full", 4, 1, 32), seed=1)
