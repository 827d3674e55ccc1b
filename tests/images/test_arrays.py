"""Pictures resized and put beside each other."""

from __future__ import annotations

import numpy as np
import pytest
from images.pictures import noise, photo
from PIL import Image

from ugatit_cli import images


@pytest.mark.parametrize("size", [(17, 9), (200, 150), (1, 1)])
def test_resize_is_pillows_bilinear(size: tuple[int, int]) -> None:
    expected = np.asarray(Image.fromarray(noise()).resize(size, Image.Resampling.BILINEAR))
    resized = images.resize(noise(), *size)
    assert (resized == expected).all()
    assert resized.flags.writeable


def test_side_by_side_keeps_the_right_and_fits_the_left() -> None:
    joined = images.side_by_side(photo(96, 64), noise(64, 32))
    assert joined.shape == (32, 48 + 64, 3)
    assert (joined[:, 48:] == noise(64, 32)).all()
    assert (joined[:, :48] == images.resize(photo(96, 64), 48, 32)).all()
    assert (images.side_by_side(photo(), photo())[:, :96] == photo()).all()
    assert images.side_by_side(photo(1, 4000), photo(8, 8)).shape == (8, 9, 3)
