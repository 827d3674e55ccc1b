"""Colour jitter: its own amount for every picture, repeatable, and open to gradients."""

from __future__ import annotations

import torch

from ugatit_cli.training.augment import BRIGHTNESS, CONTRAST, colour_jitter


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_picture_has_its_own_brightness_and_contrast() -> None:
    pictures = torch.rand(1, 3, 8, 8).expand(64, -1, -1, -1) * 2 - 1
    jittered = colour_jitter(pictures, seeded(0))
    shifts = (jittered - pictures).mean(dim=(1, 2, 3))
    factors = jittered.std(dim=(1, 2, 3)) / pictures.std(dim=(1, 2, 3))
    for values, middle, reach in ((shifts, 0.0, BRIGHTNESS), (factors, 1.0, CONTRAST)):
        assert values.min() >= middle - reach - 1e-4
        assert values.max() <= middle + reach + 1e-4
        assert values.max() - values.min() > reach  # both sides of the middle are met


def test_the_same_seed_gives_the_same_jitter() -> None:
    pictures = torch.rand(2, 3, 4, 4)
    assert torch.equal(colour_jitter(pictures, seeded(1)), colour_jitter(pictures, seeded(1)))
    assert not torch.equal(colour_jitter(pictures, seeded(1)), colour_jitter(pictures, seeded(2)))


def test_gradients_reach_the_pictures() -> None:
    pictures = torch.rand(2, 3, 4, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: colour_jitter(x, seeded(3)), pictures)
