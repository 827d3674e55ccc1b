"""What a graph takes and gives, in words that a program can act on; read without loading NumPy or ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..config import SIZE_MULTIPLE, Direction

Layout = Literal["nchw", "nhwc"]
Element = Literal["float32", "float16", "uint8"]
ValueRange = Literal["-1..1", "0..1", "0..255"]
Colours = Literal["rgb", "bgr"]
StatisticsUse = Literal["own", "measured", "held"]

DEFAULT_SIZE = 256  # of graphs that take any size and do not say which one they were made for
SMALLEST_SIDE, LARGEST_SIDE = 16, 4096  # of the pictures that a graph may be made for
PREFIX = "ugatit."  # of every key that we write into a graph's metadata


@dataclass(frozen=True)
class GraphFacts:
    """One image-to-image graph.

    Attributes:
        input, output: the names of the picture's tensors; `heatmap` that of the attention (N x h x w, float32), if there is one.
        layout: `nchw` (N x 3 x H x W) or `nhwc` (N x H x W x 3), of input and output alike.
        element: the type of the numbers.
        value_range: what black and white are, going in and coming out. Always `0..255` for uint8.
        colours: the order of the three channels.
        batch, height, width: what the graph insists on; None where it takes any.
        multiple: what free sides must be multiples of.
        image_size: the side it was trained for, or that it insists on.
        direction: None where the file does not say.
        measured: the name of the output that has every normalisation's scale and shift (N x D, float32), if there is one.
        held: the name of the input that says them, in place of statistics of the graph's own, if there is one.
    """

    input: str
    output: str
    layout: Layout
    element: Element
    value_range: ValueRange
    colours: Colours = "rgb"
    heatmap: str | None = None
    batch: int | None = None
    height: int | None = None
    width: int | None = None
    multiple: int = SIZE_MULTIPLE
    image_size: int = DEFAULT_SIZE
    direction: Direction | None = None
    measured: str | None = None
    held: str | None = None

    @property
    def any_size(self) -> bool:
        return self.height is None and self.width is None
