"""Weights without the grid: what the last convolution still answers, and what it does not."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import Generator
from ugatit_cli.weights.stripes import without_stripes

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
