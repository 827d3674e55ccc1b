"""Differences in levels."""

from __future__ import annotations

import numpy as np
import pytest

from ugatit_cli.parity import BEST_PSNR, combine, compare

DARK = np.zeros((2, 4, 4, 3), np.uint8)


def test_equal_pictures() -> None:
    found = compare(DARK, DARK)
    assert (found.largest, found.mean, found.psnr, found.worst_psnr) == (0, 0.0, BEST_PSNR, BEST_PSNR)


def test_one_picture_that_differs() -> None:
    other = DARK.copy()
    other[1] = 255
    found = compare(DARK, other)
    assert (found.pictures, found.largest, found.mean, found.worst_psnr) == (2, 255, 127.5, 0.0)
    assert found.psnr == pytest.approx(3.0103, abs=1e-4)


def test_parts_make_the_whole() -> None:
    other = np.random.default_rng(0).integers(0, 9, DARK.shape, np.uint8)
    whole, parts = compare(DARK, other), [compare(DARK[:1], other[:1]), compare(DARK[1:], other[1:])]
    joined = combine(parts)
    assert (joined.pictures, joined.largest, joined.worst_psnr) == (whole.pictures, whole.largest, whole.worst_psnr)
    assert [joined.mean, joined.psnr] == pytest.approx([whole.mean, whole.psnr])


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError):
        compare(DARK, DARK[:, :2])
