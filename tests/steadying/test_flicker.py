"""Flicker and sharpness as numbers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from steadying.films import levels, moved, photograph

from ugatit_cli.steadying.flicker import FlickerReport, change_along, sharpness
from ugatit_cli.steadying.motion import find_motion


def test_flicker_is_what_changes_along_the_motion() -> None:
    before, after = photograph(), moved(photograph(), 3)
    motion = find_motion(before, after)
    brighter = levels(after.astype(float) / 2 + 40)
    dull, still = levels(before / 2.0), levels(after / 2.0)
    assert change_along(motion, dull, still) < 3
    assert change_along(motion, dull, brighter) == pytest.approx(40, abs=2)


def test_where_nothing_can_be_followed_nothing_flickers() -> None:
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    motion = find_motion(black, white)
    assert not motion.followed.any() and change_along(motion, black, white) == 0


def test_a_blurred_picture_is_less_sharp() -> None:
    assert sharpness(cv2.blur(photograph(), (5, 5))) < 0.7 * sharpness(photograph())
    assert sharpness(np.full((8, 8, 3), 9, np.uint8)) == 0


def test_the_report_has_means() -> None:
    report = FlickerReport()
    assert report.as_dict() == {"pairs": 0, "source": 0.0, "without": 0.0, "steadied": 0.0}
    report.add(1, 4, 2)
    report.add(2, 5, 2)
    assert report.as_dict() == {"pairs": 2, "source": 1.5, "without": 4.5, "steadied": 2.0}
    assert FlickerReport.restored(report.state()) == report
