"""The built-in features once more, in plain numpy, from the description in docs/evaluation.md."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]


def plain_features(picture: NDArray[np.uint8]) -> list[float]:
    """uint8 (256, 256, 3) -> 272 numbers."""
    red, green, blue = np.moveaxis(picture / 255, 2, 0)
    planes = [(red + green + blue) / 3, red - green, (red + green) / 2 - blue]
    numbers: list[float] = []
    for measured, centres, spreads in (
        (np.mean, (0.65, 0.03, 0), (0.25, 0.15, 0.18)),
        (np.std, (0.14, 0.09, 0.10), (0.09, 0.09, 0.09)),
    ):
        for plane, centre, spread in zip(planes, centres, spreads, strict=True):
            numbers += [(float(measured(part)) - centre) / spread / 2 for part in parts(plane, 4)]
    numbers += [(math.sqrt(share) - 0.06) / 0.11 / 2 for share in histogram(red, green, blue)]
    for scale in range(4):
        numbers += texture(planes, scale)
        planes = [smaller(plane) for plane in planes]
    return numbers


def parts(plane: Plane, grid: int) -> Iterator[Plane]:
    side = len(plane) // grid
    for row, column in itertools.product(range(grid), repeat=2):
        yield plane[row * side : (row + 1) * side, column * side : (column + 1) * side]


def histogram(red: Plane, green: Plane, blue: Plane) -> list[float]:
    shares = [[np.maximum(0, 1 - np.abs(3 * plane - node)) for node in range(4)] for plane in (red, green, blue)]
    return [float(np.mean(r * g * b)) for r, g, b in itertools.product(*shares)]


def texture(planes: list[Plane], scale: int) -> list[float]:
    slopes = [slope(plane) for plane in planes]
    across, down = slopes[0]
    directions = [abs(across), abs(down), abs(across + down) / math.sqrt(2), abs(across - down) / math.sqrt(2)]
    colours = [np.hypot(*both) for both in slopes[1:]]
    numbers = [
        (math.log(1 + 50 * part.mean()) - (0.33, 0.48, 0.69, 0.91)[scale]) / (0.12, 0.16, 0.22, 0.27)[scale] / 2
        for direction in directions
        for part in parts(direction, 2)
    ]
    numbers += [
        (math.log(1 + 50 * part.mean()) - (0.31, 0.45, 0.67, 0.92)[scale]) / (0.17, 0.24, 0.34, 0.44)[scale] / 2
        for colour in colours
        for part in parts(colour, 2)
    ]
    numbers += [
        (min(8, direction.std() / (direction.mean() + 1 / 255)) - (2.4, 2.0, 1.65, 1.33)[scale])
        / (0.45, 0.35, 0.27, 0.22)[scale]
        / 2
        for direction in directions
    ]
    return numbers


def slope(plane: Plane) -> tuple[Plane, Plane]:
    p = np.pad(plane, 1, "edge")
    along = (p[:, 2:] - p[:, :-2]) / 2
    downwards = (p[2:] - p[:-2]) / 2
    return (
        (along[:-2] + 2 * along[1:-1] + along[2:]) / 4,
        (downwards[:, :-2] + 2 * downwards[:, 1:-1] + downwards[:, 2:]) / 4,
    )


def smaller(plane: Plane) -> Plane:
    for _ in range(2):  # the same along the other dimension
        p = np.pad(plane, ((2, 2), (0, 0)), "reflect")
        smooth = sum(weight * p[shift : shift + len(plane)] for shift, weight in enumerate((1, 4, 6, 4, 1)))
        plane = (np.asarray(smooth) / 16)[::2].T
    return plane
