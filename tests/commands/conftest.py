"""Networks so small that a picture takes a hundredth of a second, as model files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.diagnosis.child import another_python
from ugatit_cli.network import Generator


def saved(path: Path, config: GeneratorConfig, *, seed: int = 0) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        states = {direction: Generator(config).state_dict() for direction in ("a2b", "b2a")}
    weights.save(path, config, states, metadata={})  # type: ignore[arg-type]
    return path


SMALL_DISK = """
import os, subprocess
folder, size, *sys.argv[1:] = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", folder], check=True)
os.environ["TMPDIR"] = folder
from ugatit_cli.cli import main
main()
"""


def with_a_small_disk(folder: Path, size: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """`ugatit` where `folder` is a disk of `size` KiB, which temporary files go to."""
    alone = ("unshare", "--user", "--mount", "--map-root-user")
    mount = ("mount", "-t", "tmpfs", "none", str(folder))
    if shutil.which("unshare") is None or subprocess.run([*alone, *mount], capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    command = another_python(SMALL_DISK, str(folder), str(size), *map(str, words))
    return subprocess.run([*alone, *command], capture_output=True, text=True)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Light, both directions, made for pictures of 32 pixels."""
    return saved(tmp_path_factory.mktemp("models") / "tiny.safetensors", GeneratorConfig("light", 4, 1, 32))


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Full: works at 32 pixels only."""
    return saved(tmp_path_factory.mktemp("models") / "full.safetensors", GeneratorConfig("full", 4, 1, 32), seed=1)
