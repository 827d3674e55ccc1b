"""Frames blended with the film so far."""

from __future__ import annotations

import numpy as np
from steadying.films import flicker, moved, noisy, photograph, with_square

from ugatit_cli.steadying.blending import Blend
from ugatit_cli.steadying.motion import find_motion


def blended(film: list[np.ndarray], share: float) -> list[np.ndarray]:
    blend = Blend(share)
    motions = [None, *(find_motion(*pair) for pair in zip(film, film[1:], strict=False))]
    return [blend.add(frame, motion) for frame, motion in zip(film, motions, strict=True)]


def test_noise_is_averaged_away() -> None:
    film = noisy(12)
    assert flicker(film, blended(film, 0.7)) < 0.5 * flicker(film, film)


def test_more_of_it_with_more_strength() -> None:
    film = noisy(12)
    found = [flicker(film, blended(film, share)) for share in (0.2, 0.5, 0.8)]
    assert found == sorted(found, reverse=True)


def test_a_moving_thing_leaves_no_ghost() -> None:
    film = [with_square(photograph(), left) for left in range(0, 48, 6)]
    last = blended(film, 0.9)[-1]
    assert np.abs(last.astype(int) - film[-1]).max(axis=2)[41:53, 4:34].mean() < 6


def test_without_a_motion_it_begins_anew() -> None:
    blend = Blend(0.9)
    blend.add(photograph(), None)
    other = moved(photograph(), 20)
    assert (blend.add(other, None) == other).all()


def test_what_stands_still_stays_what_it_is() -> None:
    film = [photograph()] * 5
    assert all((frame == photograph()).all() for frame in blended(film, 0.9))
