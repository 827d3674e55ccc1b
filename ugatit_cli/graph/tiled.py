"""Feature maps B x P x C (P pixels, row by row) and 3x3 convolutions by minimal filtering: what CPUs like.

A window of 6x6 pixels gives 4x4 outputs for 36 products a channel instead of 144 (arXiv 1509.09308, F(4, 3); the matrices
are those of `minimal_filtering`, and so is the rounding). With the channels last, a window is 36 rows of the map:
one Gather collects all of them, everything after it is matrix products, and one Gather brings the rows back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tile_matrices import INPUT, KERNEL, OUTPUT, TILE, WINDOW
from .normalisation import Array, Coefficients, Statistics, Style, instance_normalise, layer_instance_normalise
from .planar import FLOAT, Edge, four_phases
from .writer import GraphWriter


@dataclass(frozen=True)
class Area:
    """Maps of one size: names of nodes.

    Attributes:
        height, width: one int64 each.
        ones, shares: 1 x P, all ones, and all 1 / P: products with them are sums and means.
        count: P as one float.
    """

    height: str
    width: str
    ones: str
    shares: str
    count: str


@dataclass(frozen=True)
class Tiling:
    """How maps of one size are cut up: names of nodes.

    Attributes:
        windows: which pixels the windows of all T tiles show: 36T rows of the map.
        pixels: where each pixel of the result lies among the outputs.
    """

    windows: str
    pixels: str


class TiledMaps:
    """The operations of the network's middle on maps B x P x C. Names of nodes in, names of nodes out."""

    def __init__(self, writer: GraphWriter, noted: Coefficients | None = None) -> None:
        """`noted` is told what every normalisation comes to."""
        self._writer, self._noted = writer, noted
        self._area: Area | None = None
        self._tiling: Tiling | None = None

    def enter(self, x: str) -> str:
        """From B C H W."""
        add = self._writer.add
        height, width = add("Shape", x, start=2, end=3), add("Shape", x, start=3, end=4)
        self._area = self._measure(height, width)
        self._tiling = self._cut(self._area, "reflect")
        rows = add("Reshape", x, self._writer.constant([0, 0, -1]))
        return add("Transpose", rows, perm=[0, 2, 1])

    def leave(self, x: str, channels: int) -> str:
        """To B C H W."""
        add, area = self._writer.add, self._here
        planes = add("Transpose", x, perm=[0, 2, 1])
        shape = add("Concat", self._writer.constant([-1, channels]), area.height, area.width, axis=0)
        return add("Reshape", planes, shape)

    def convolve(self, x: str, weight: Array) -> str:
        """A 3x3 convolution O I 3 3 without bias over a map whose edges are reflected."""
        assert self._tiling is not None, "a map must enter first, and is not enlarged yet"
        return self._filter(x, weight, self._tiling, phases=1)

    def convolve_up(self, x: str, weight: Array) -> str:
        """Nearest up-sampling by two and a 3x3 convolution, as one convolution of the small map to four phases."""
        small, add, two = self._here, self._writer.add, self._writer.constant([2])
        y = self._filter(x, four_phases(weight), self._cut(small, "edge", doubled=True), phases=4)
        self._area, self._tiling = self._measure(add("Mul", small.height, two), add("Mul", small.width, two)), None
        return y

    def per_pixel(self, x: str, weight: Array, bias: Array) -> str:
        """A 1x1 convolution O I."""
        product = self._writer.add("MatMul", x, self._writer.constant(weight.T))
        return self._writer.add("Add", product, self._writer.constant(bias))

    def instance_normalise(self, x: str, channels: int) -> str:
        return instance_normalise(self._writer, self._statistics(x), self._noted)

    def layer_instance_normalise(self, x: str, rho: Array, style: Style) -> str:
        """`rho` C; gamma and beta are names of tensors of `per_channel`."""
        return layer_instance_normalise(self._writer, self._statistics(x), rho.reshape(1, 1, -1), style, self._noted)

    def scale_and_shift(self, x: str, scale: str, shift: str) -> str:
        """By names of tensors of `per_channel`."""
        return self._writer.add("Add", self._writer.add("Mul", x, scale), shift)

    def per_channel(self, values: str, channels: int) -> str:
        """B x C, or C, as something that a map can be multiplied by."""
        return self._writer.add("Reshape", values, self._writer.constant([-1, 1, channels]))

    def mean(self, x: str) -> str:
        """B x C."""
        return self._writer.add("Flatten", self._sum(self._here.shares, x))

    def flat(self, x: str) -> str:
        """B x CHW: one channel's pixels after the other's."""
        return self._writer.add("Flatten", self._writer.add("Transpose", x, perm=[0, 2, 1]))

    def sum_of_channels(self, x: str) -> str:
        """B x H x W."""
        add, area = self._writer.add, self._here
        shape = add("Concat", self._writer.constant([-1]), area.height, area.width, axis=0)
        return add("Reshape", add("ReduceSum", x, self._writer.constant([2])), shape)

    @property
    def _here(self) -> Area:
        assert self._area is not None, "a map must enter first"
        return self._area

    def _statistics(self, x: str) -> Statistics:
        area, add = self._here, self._writer.add
        mean = self._sum(area.shares, x)  # B 1 C
        centred = add("Sub", x, mean)
        squares = self._sum(area.ones, add("Mul", centred, centred))
        return Statistics(centred, mean, squares, area.count, channel_axis=2)

    def _sum(self, weights: str, x: str) -> str:
        """B x 1 x C: weighted sums over the pixels, as a product of matrices, which is several times faster than ReduceSum."""
        return self._writer.add("MatMul", weights, x)

    def _filter(self, x: str, weight: Array, tiling: Tiling, *, phases: int) -> str:
        add, constant = self._writer.add, self._writer.constant
        outputs, inputs = weight.shape[:2]
        flat = constant([0, WINDOW * WINDOW, -1])
        windows = add("Reshape", add("Gather", x, tiling.windows, axis=1), flat)  # B 36 TI
        windows = add("MatMul", constant(_both_sides(INPUT)), windows)
        windows = add("Reshape", windows, constant([0, WINDOW * WINDOW, -1, inputs]))
        products = add("MatMul", windows, self._kernel(weight))  # B 36 T O
        tiles = add("MatMul", constant(_both_sides(OUTPUT)), add("Reshape", products, flat))  # B 16 TO
        rows = add("Reshape", tiles, constant([0, -1, outputs // phases]))
        return add("Gather", rows, tiling.pixels, axis=1)

    def _kernel(self, weight: Array) -> str:
        """O I 3 3 -> 36 I O. Whoever loads the graph computes it once: it has four times the weight's size."""
        outputs, inputs = weight.shape[:2]
        constant = self._writer.constant
        taps = constant(weight.transpose(2, 3, 1, 0).reshape(9, -1))
        kernel = self._writer.add("MatMul", constant(_both_sides(KERNEL)), taps)
        return self._writer.add("Reshape", kernel, constant([WINDOW * WINDOW, inputs, outputs]))

    def _measure(self, height: str, width: str) -> Area:
        add, constant = self._writer.add, self._writer.constant
        pixels = add("Mul", height, width)
        ones = add("Expand", constant(1.0), add("Concat", constant([1]), pixels, axis=0))
        count = add("Cast", pixels, to=FLOAT)
        return Area(height, width, ones, add("Div", ones, count), count)

    def _cut(self, area: Area, edge: Edge, *, doubled: bool = False) -> Tiling:
        """With `doubled`, the result has four phases, and is enlarged by two."""
        down, across = self._axis(area.height, edge), self._axis(area.width, edge)
        windows = self._window_rows(down, across, area.width)
        return Tiling(windows, self._pixel_rows(down, across, doubled=doubled))

    def _axis(self, side: str, edge: Edge) -> _Axis:
        add, constant = self._writer.add, self._writer.constant
        tile, zero = constant([TILE]), constant([0])
        tiles = add("Div", add("Add", side, constant([TILE - 1])), tile)
        starts = add("Mul", self._count_to(tiles), tile)
        shown = add("Add", starts, constant(np.arange(-1, WINDOW - 1)[:, None]))  # 6 tiles
        last = add("Sub", side, constant([1]))
        if edge == "reflect":
            shown = add("Sub", last, add("Abs", add("Sub", last, add("Abs", shown))))
        shown = add("Max", add("Min", shown, last), zero)  # what a half-empty last tile shows beyond it is not used
        place = self._count_to(side)
        return _Axis(tiles, shown, add("Mod", place, tile), add("Div", place, tile))

    def _count_to(self, end: str) -> str:
        """0, 1 ... below `end`."""
        add, constant = self._writer.add, self._writer.constant
        scalar = np.array(0, np.int64), np.array(1, np.int64)
        return add("Range", constant(scalar[0]), add("Squeeze", end), constant(scalar[1]))

    def _window_rows(self, down: _Axis, across: _Axis, width: str) -> str:
        """In the order 6 down, 6 across, tiles down, tiles across."""
        add, constant = self._writer.add, self._writer.constant
        rows = add("Mul", add("Unsqueeze", down.shown, constant([1, 3])), width)
        columns = add("Unsqueeze", across.shown, constant([0, 2]))
        return add("Reshape", add("Add", rows, columns), constant([-1]))

    def _pixel_rows(self, down: _Axis, across: _Axis, *, doubled: bool) -> str:
        """Outputs lie in the order 4 down, 4 across, tiles down, tiles across, then four phases (2 down, 2 across)."""
        add, constant = self._writer.add, self._writer.constant
        area = add("Mul", down.tiles, across.tiles)
        row_starts = add("Mul", add("Mul", down.phase, constant([TILE])), area)
        rows = add("Add", row_starts, add("Mul", down.tile, across.tiles))
        columns = add("Add", add("Mul", across.phase, area), across.tile)
        if not doubled:
            both = add("Add", add("Unsqueeze", rows, constant([1])), columns)
            return add("Reshape", both, constant([-1]))
        phases = constant([4])
        rows = add("Add", add("Mul", add("Unsqueeze", rows, constant([1])), phases), constant([0, 2]))  # H 2
        columns = add("Add", add("Mul", add("Unsqueeze", columns, constant([1])), phases), constant([0, 1]))  # W 2
        both = add("Add", add("Unsqueeze", rows, constant([2, 3])), columns)  # H 2 W 2
        return add("Reshape", both, constant([-1]))


@dataclass(frozen=True)
class _Axis:
    """One side of a map: the number of tiles, what each window shows (6 x tiles), and each pixel's phase and tile."""

    tiles: str
    shown: str
    phase: str
    tile: str


def _both_sides(matrix: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """What does to a flattened square what `matrix` does to its rows and columns."""
    return np.kron(matrix, matrix).astype(np.float32)
