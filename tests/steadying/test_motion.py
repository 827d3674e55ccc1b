"""What one frame has to do with the next one."""

from __future__ import annotations

import numpy as np
import pytest
from steadying.films import levels, moved, noisy, photograph, with_square

from ugatit_cli.steadying.motion import find_motion


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 1), (-2.5, 0.5)])
def test_a_moved_picture_is_followed(right: float, down: float) -> None:
    before = photograph()
    after = moved(before, right, down)
    motion = find_motion(before, after)
    rows, columns = np.mgrid[16:48, 16:48]
    found = np.median(motion.places[16:48, 16:48] - np.dstack([columns, rows]), axis=(0, 1))
    np.testing.assert_allclose(found, (-right, -down), atol=0.15)
    assert motion.followed.mean() > 0.8 and not motion.is_cut
    carried = motion.carry(before)[motion.followed]
    assert np.abs(carried - after[motion.followed]).mean() < 5


def test_what_is_carried_again_and_again_stays_sharp() -> None:
    before = photograph()
    shown, sharp = before.astype(np.float32), before.astype(np.float32)
    for step in range(8):
        motion = find_motion(moved(before, 0.5 * step), moved(before, 0.5 * (step + 1)))
        shown, sharp = motion.carry(shown), motion.carry(sharp, again=True)
    contrast = [float(frame[16:48, 16:48].std()) for frame in (moved(before, 4), shown, sharp)]
    assert abs(contrast[2] - contrast[0]) < abs(contrast[1] - contrast[0])


def test_what_a_moving_thing_uncovers_is_not_trusted() -> None:
    before, after = with_square(photograph(), 10), with_square(photograph(), 20)
    trust = find_motion(before, after).trust
    assert trust[42:52, 11:18].max() < 0.5
    assert trust[:30].min() > 0.9


def test_changes_of_the_light_are_measured_and_followed() -> None:
    before = levels(photograph() * 0.8)
    after = levels(before * np.array([0.9, 1.0, 1.1]))
    motion = find_motion(before, after)
    np.testing.assert_allclose(motion.gain, [0.9, 1.0, 1.1], atol=0.03)
    assert motion.followed.mean() > 0.9


def test_noise_is_followed_and_is_no_light() -> None:
    motion = find_motion(*noisy(2))
    assert motion.followed.mean() > 0.95
    np.testing.assert_allclose(motion.gain, 1, atol=0.01)


def test_nothing_is_known_of_the_light_in_the_dark() -> None:
    dark = levels(photograph() * 0.01)
    assert (find_motion(dark, dark * 3).gain == 1).all()


def test_another_scene_is_a_cut() -> None:
    assert find_motion(photograph(), np.ascontiguousarray(photograph()[::-1])).is_cut
    assert not find_motion(photograph(), with_square(photograph(), 20)).is_cut


@pytest.mark.parametrize("size", [(16, 16), (16, 200), (28, 200), (200, 28), (4, 4), (33, 4)])
def test_frames_of_every_size(size: tuple[int, int]) -> None:
    """Some of these let OpenCV's flow read beyond its memory unless they are enlarged."""
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    motion = find_motion(frame, frame)
    assert motion.carry(frame).shape == frame.shape and motion.trust.shape == size
    np.testing.assert_allclose(motion.carry(frame), frame, atol=8)
