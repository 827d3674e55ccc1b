"""The matrices of minimal filtering F(4, 3), after Toom and Cook, without the library that multiplies by them.

outputs = OUTPUT ((KERNEL g KERNEL') * (INPUT x INPUT')) OUTPUT' for every tile of 4x4 outputs, which reads a window of
6x6 inputs (arXiv 1509.09308): 36 products make 16 outputs, not 144. With the points 0, 1, -1, 1/2, -2 and infinity float32
rounds a few times as much as in the direct sum; F(6, 3) would be no faster and less exact still.
"""

from __future__ import annotations

TILE = 4
WINDOW = 6
KERNEL = [
    [1 / 2, 0, 0],
    [1 / 6, 1 / 6, 1 / 6],
    [1 / 6, -1 / 6, 1 / 6],
    [1 / 15, 1 / 30, 1 / 60],
    [1 / 30, -1 / 15, 2 / 15],
    [0, 0, 1 / 2],
]
INPUT = [
    [2, -3, -4, 3, 2, 0],
    [0, -2, 1, 5, 2, 0],
    [0, -2, 5, -1, -2, 0],
    [0, 32, 16, -32, -16, 0],
    [0, 1, -2, -1, 2, 0],
    [0, 2, -3, -4, 3, 2],
]
OUTPUT: list[list[float]] = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 1 / 2, -2, 0],
    [0, 1, 1, 1 / 4, 4, 0],
    [0, 1, -1, 1 / 8, -8, 1],
]
