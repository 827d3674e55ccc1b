"""uint8 pictures N x H x W x 3, RGB, to the numbers that a graph wants, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.facts import GraphFacts, ValueRange

Pixels = NDArray[np.uint8]

_SCALES: dict[ValueRange, tuple[float, float]] = {"-1..1": (127.5, -1.0), "0..1": (255.0, 0.0), "0..255": (1.0, 0.0)}


def to_graph(pictures: Pixels, facts: GraphFacts) -> NDArray[Any]:
    """Contiguous, in the graph's layout, colours and type."""
    ordered = pictures[..., ::-1] if facts.colours == "bgr" else pictures
    if facts.layout == "nchw":
        ordered = ordered.transpose(0, 3, 1, 2)
    if facts.element == "uint8":
        return np.ascontiguousarray(ordered)
    divisor, offset = _SCALES[facts.value_range]
    numbers = np.ascontiguousarray(ordered, np.float32)
    numbers /= divisor
    numbers += offset
    return numbers.astype(facts.element, copy=False)


def from_graph(output: NDArray[Any], facts: GraphFacts) -> Pixels:
    """Rounded half to even, as the writer of the official PyTorch code does, or down."""
    if facts.element != "uint8":
        divisor, offset = _SCALES[facts.value_range]
        numbers = (output.astype(np.float32) - offset) * divisor
        whole = np.floor if facts.truncated else np.rint
        output = whole(numbers, out=numbers).clip(0, 255).astype(np.uint8)
    if facts.layout == "nchw":
        output = output.transpose(0, 2, 3, 1)
    if facts.colours == "bgr":
        output = output[..., ::-1]
    pictures: Pixels = np.ascontiguousarray(output)
    return pictures
