"""The backend: the official pictures to one level, the device that was asked for, no damaged weights."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ugatit_cli import weights
from ugatit_cli.backends import load_backend
from ugatit_cli.backends.pytorch import PytorchBackend
from ugatit_cli.config import Direction, GeneratorConfig
from ugatit_cli.errors import BadModelError, DeviceError, ResourceError
from ugatit_cli.network import Generator

CONFIG = GeneratorConfig("light", channels=4, blocks=1, image_size=32)


def tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return dict(Generator(CONFIG).state_dict())


@pytest.mark.parametrize("variant", ["light", "full"])
@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_official_test_pictures(shared: Path, variant: str, direction: Direction) -> None:
    folder = shared / "golden" / "pytorch" / "checkpoints" / variant
    model = weights.load(next(folder.glob("results/*/model/*.pt")))
    _, generator = model.generator(direction)
    name = direction.upper()
    with Image.open(folder / "pictures" / f"{name}_input.png") as source:
        pictures = np.asarray(source.convert("RGB"))[None]
    with Image.open(folder / "pictures" / f"{name}_fake.png") as official:
        expected = np.asarray(official.convert("RGB")).astype(int)
    ours, heatmap = load_backend(model.config, dict(generator), "cpu").translate_with_heatmap(pictures)
    difference = np.abs(ours[0].astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.005
    with np.load(folder / "pictures" / f"{name}_arrays.npz") as arrays:
        official_map = arrays["heatmap"].squeeze()
    assert np.abs(heatmap[0] - official_map).max() <= 2e-5 * np.abs(official_map).max() + 1e-4


def test_a_batch_is_its_pictures_one_by_one() -> None:
    backend = load_backend(CONFIG, tensors(), "cpu")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    together = backend(pictures).astype(int)
    alone = np.concatenate([backend(pictures[i : i + 1]) for i in range(3)])
    assert together.shape == pictures.shape
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backend.translate_with_heatmap(pictures)[0])


def test_a_device_that_is_not_there_is_an_error() -> None:
    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(DeviceError, match=f"cannot run on {missing}"):
        load_backend(CONFIG, tensors(), missing)


def test_weights_that_overflow_are_an_error() -> None:
    huge = {name: torch.full_like(tensor, 1e38) for name, tensor in tensors().items()}
    with pytest.raises(BadModelError, match="not finite"):
        load_backend(CONFIG, huge, "cpu")


def test_too_little_memory_is_an_error_of_resources() -> None:
    resource = pytest.importorskip("resource")
    backend = load_backend(CONFIG, tensors(), "cpu")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    pictures = np.zeros((2, 2048, 2048, 3), np.uint8)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, hard))
    try:
        with pytest.raises(ResourceError, match="too small for 1 picture"):
            backend(pictures)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_a_network_that_nobody_runs_is_gone_at_once() -> None:
    """Its memory is a GPU's, and its file cannot be moved on Windows, as long as it is there."""
    backend = load_backend(CONFIG, tensors(), "cpu")
    assert isinstance(backend, PytorchBackend)
    network = weakref.ref(backend._generator)
    gc.disable()
    try:
        del backend
        assert network() is None
    finally:
        gc.enable()
