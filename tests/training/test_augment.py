"""Augmentation: its own amounts for every picture, repeatable, within bounds, and open to gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ugatit_cli.training.augment import BRIGHTNESS, CONTRAST, Draw, augmented, colour_jitter, hole, saturation, shift


def seeded(seed: int, pictures: int) -> Draw:
    random = torch.Generator().manual_seed(seed)
    return lambda numbers: torch.rand(pictures, numbers, generator=random)


def test_every_picture_has_its_own_brightness_and_contrast() -> None:
    pictures = torch.rand(1, 3, 8, 8).expand(64, -1, -1, -1) * 2 - 1
    jittered = colour_jitter(pictures, seeded(0, 64))
    shifts = (jittered - pictures).mean(dim=(1, 2, 3))
    factors = jittered.std(dim=(1, 2, 3)) / pictures.std(dim=(1, 2, 3))
    for values, middle, reach in ((shifts, 0.0, BRIGHTNESS), (factors, 1.0, CONTRAST)):
        assert values.min() >= middle - reach - 1e-4
        assert values.max() <= middle + reach + 1e-4
        assert values.max() - values.min() > reach  # both sides of the middle are met


@pytest.mark.parametrize("kind", ["color", "all"])
def test_the_same_seed_gives_the_same_pictures(kind: str) -> None:
    pictures = torch.rand(2, 3, 16, 16)
    assert torch.equal(augmented(pictures, kind, seeded(1, 2)), augmented(pictures, kind, seeded(1, 2)))
    assert not torch.equal(augmented(pictures, kind, seeded(1, 2)), augmented(pictures, kind, seeded(2, 2)))


@pytest.mark.parametrize("kind", ["color", "all"])
def test_gradients_reach_the_pictures(kind: str) -> None:
    pictures = torch.rand(2, 3, 8, 8, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: augmented(x, kind, seeded(3, 2)), pictures)


def test_none_changes_nothing() -> None:
    pictures = torch.rand(2, 3, 8, 8)
    assert augmented(pictures, "none", seeded(0, 2)) is pictures


def test_saturation_keeps_grey_pictures_and_every_pixels_brightness() -> None:
    grey, colourful = torch.rand(8, 1, 8, 8).expand(-1, 3, -1, -1), torch.rand(8, 3, 8, 8)
    torch.testing.assert_close(saturation(grey, seeded(0, 8)), grey)
    changed = saturation(colourful, seeded(0, 8))
    torch.testing.assert_close(changed.mean(dim=1), colourful.mean(dim=1))
    assert (changed - colourful).abs().max() > 0.1


def place_of_the_mark(pictures: Tensor) -> set[tuple[int, int]]:
    return {tuple((picture[0] == 1).nonzero()[0].tolist()) for picture in pictures}


def test_pictures_move_by_up_to_an_eighth() -> None:
    pictures = torch.zeros(200, 3, 32, 32)
    pictures[:, :, 16, 16] = 1
    places = place_of_the_mark(shift(pictures, seeded(0, 200)))
    for axis in (0, 1):
        assert {place[axis] for place in places} == set(range(12, 21))


def test_a_quarter_of_a_picture_at_most_becomes_grey() -> None:
    shares = (hole(torch.ones(200, 3, 32, 32), seeded(0, 200)) == 0).float().mean(dim=(1, 2, 3))
    assert shares.max() <= 0.27
    assert shares.min() > 0.05
