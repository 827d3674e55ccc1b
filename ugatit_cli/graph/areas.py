"""Means of areas of a map, cut as torch's adaptive pooling cuts them, whatever the map's size."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from .writer import GraphWriter


def area_means(writer: GraphWriter, x: str, pool: int) -> str:
    """B C H W -> B x C pool pool: the means of pool x pool areas, as a product with a matrix on either side."""
    rows, columns = (_shares(writer, x, axis, pool) for axis in (2, 3))
    means = writer.add("MatMul", writer.add("MatMul", rows, x), writer.add("Transpose", columns, perm=[1, 0]))
    return writer.add("Flatten", means)


def _shares(writer: GraphWriter, x: str, axis: int, pool: int) -> str:
    """pool x side: 1 / n in the columns of an area's n pixels. Area i reaches from floor(i side / pool) to ceil((i + 1) side / pool)."""
    add, constant = writer.add, writer.constant
    side, areas = add("Shape", x, start=axis, end=axis + 1), np.arange(pool)[:, None]
    starts = add("Div", add("Mul", side, constant(areas)), constant([pool]))
    ends = add("Div", add("Add", add("Mul", side, constant(areas + 1)), constant([pool - 1])), constant([pool]))
    pixels = add("Range", constant(np.array(0, np.int64)), add("Squeeze", side), constant(np.array(1, np.int64)))
    inside = add("And", add("GreaterOrEqual", pixels, starts), add("Less", pixels, ends))
    counts = add("Cast", add("Sub", ends, starts), to=TensorProto.FLOAT)
    return add("Div", add("Cast", inside, to=TensorProto.FLOAT), counts)
