"""Weights without the grid: what the last convolution still answers, and what it does not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator
from ugatit_cli.weights.stripes import without_stripes

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "models" / "portrait2toon" / "weights.safetensors"
PHOTOGRAPH = REPOSITORY / "examples" / "hopper.jpg"
SIDE = 32


@pytest.fixture
def generator() -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return dict(Generator(GeneratorConfig("light", 4, 1, SIDE)).state_dict())


def answer(state: dict[str, Tensor], rows: Tensor, columns: Tensor) -> float:
    """How strongly the last layer draws what its features show: the product of a column and a row of numbers, in all of them."""
    features = torch.outer(rows, columns).expand(1, state["head.weight"].shape[1], SIDE, SIDE)
    return float(F.conv2d(features, state["head.weight"]).abs().max())


def wave(cycles: float) -> Tensor:
    return torch.cos(2 * math.pi * cycles / SIDE * torch.arange(SIDE))


@pytest.mark.parametrize("other", [0, 1, 5, 11, 16])
def test_no_stripes_of_one_pixel_are_drawn_whatever_the_other_direction_shows(
    generator: dict[str, Tensor], other: int
) -> None:
    stripes = wave(SIDE / 2)
    changed = without_stripes(generator)
    assert answer(generator, wave(other), stripes) > 0.01
    assert answer(changed, wave(other), stripes) < 1e-5 and answer(changed, stripes, wave(other)) < 1e-5


def test_only_the_last_layer_is_changed_and_only_once(generator: dict[str, Tensor]) -> None:
    changed = without_stripes(generator)
    assert changed.keys() == generator.keys()
    assert all(changed[name] is generator[name] for name in generator if name != "head.weight")
    assert torch.allclose(without_stripes(changed)["head.weight"], changed["head.weight"], atol=1e-7)


@pytest.mark.parametrize("cycles", [0, 1, 2])
def test_even_areas_and_slow_changes_are_drawn_as_before(generator: dict[str, Tensor], cycles: int) -> None:
    before = answer(generator, wave(0), wave(cycles))
    assert answer(without_stripes(generator), wave(0), wave(cycles)) == pytest.approx(
        before, rel=[1e-4, 0.02, 0.1][cycles]
    )


def test_the_bundled_model_draws_no_grid() -> None:
    loaded = weights.load(MODEL)
    generator = Generator(loaded.config).eval()
    generator.load_state_dict({name: tensor.float() for name, tensor in loaded.generator("a2b")[1].items()})
    with Image.open(PHOTOGRAPH) as photograph:
        levels = np.asarray(photograph.convert("RGB").resize((128, 128)), np.float32)
    with torch.inference_mode():
        drawing = generator(torch.from_numpy(levels / 127.5 - 1).permute(2, 0, 1)[None]).image * 127.5
    assert stripes(drawing) < 0.3 and stripes(drawing.mT) < 0.3  # levels


def stripes(drawing: Tensor) -> float:
    """How strong they are from column to column, on average over areas of 8 pixels: edges and slopes do not count."""
    alternating = F.conv2d(drawing.flatten(0, 1)[:, None], torch.tensor([[[[-0.25, 0.5, -0.25]]]]))[..., :120, :120]
    return float(F.avg_pool2d(alternating * (1 - 2.0 * (torch.arange(120) % 2)), 8).abs().mean())
