"""Pixels as arrays: to them from Pillow's pictures, resized, and two beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
STRIP_ROWS: Final = 512


def to_array(image: Image.Image) -> Pixels:
    """uint8 (H, W) or (H, W, C), writable; in strips, because `np.array(image)` holds two more copies on its way."""
    shape = (image.height, image.width, len(image.getbands()))
    array = np.empty(shape[: 2 if shape[2] == 1 else 3], np.uint8)
    for index, strip in enumerate(strips(image)):
        array[index * STRIP_ROWS : (index + 1) * STRIP_ROWS] = np.asarray(strip)
    return array


def strips(image: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, image.height, STRIP_ROWS):
        yield image.crop((0, top, image.width, min(top + STRIP_ROWS, image.height)))


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """uint8 (H, W, 3) or (H, W) to (height, width, ...), as `PIL.Image.resize(..., BILINEAR)` does: antialiased."""
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def side_by_side(left: Pixels, right: Pixels) -> Pixels:
    """Both (H, W, 3) in one row at the height of `right`, which keeps its pixels."""
    height = right.shape[0]
    if left.shape[0] != height:
        left = resize(left, max(1, round(left.shape[1] * height / left.shape[0])), height)
    return np.concatenate([left, right], axis=1)
