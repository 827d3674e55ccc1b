"""The one large matrix of the full variant, 96 % of its weights, kept in a quarter to all of its size.

It is cut along its long side. What is not kept as float32 becomes so piece by piece while the graph runs, so that a picture
needs the memory of the matrix as it is kept, and of one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from .writer import GraphWriter

Storage = Literal["fp32", "fp16", "int8", "rank64"]

PIECE = 1 << 14  # columns: 16 MB of float32 at 256 rows, which the caches mostly hold
RANK = 64
INT8_LARGEST = 127

Matrix = NDArray[np.float32]
LargeMatrix = Matrix | NDArray[np.float16]  # as its file has it


def write_product(writer: GraphWriter, x: str, weight: LargeMatrix, storage: Storage) -> str:
    """B x K times the transpose of `weight` O x K -> B x O.

    `int8` has a scale for each row of each piece; `rank64` is the best approximation of that rank (its 64 largest singular
    values), as float16.
    """
    if storage == "rank64":
        left, right = low_rank(weight)
        small = _product(writer, x, right, "fp16")
        return writer.add("Gemm", small, writer.constant(left), transB=1)
    return _product(writer, x, weight, storage)


def low_rank(weight: LargeMatrix, rank: int = RANK) -> tuple[Matrix, Matrix]:
    """O x K -> O x R and R x K, whose product is nearest to it. From the small matrix W W', which is cheap as O is small."""
    small = sum(piece @ piece.T for _, piece in _pieces(weight))
    _, vectors = np.linalg.eigh(np.asarray(small, np.float64))
    left = np.ascontiguousarray(vectors[:, -rank:].astype(np.float32))
    return left, np.concatenate([left.T @ piece for _, piece in _pieces(weight)], axis=1)


def quantised(piece: Matrix) -> tuple[NDArray[np.int8], Matrix]:
    """Whole numbers O x k, and what each row of them is multiplied by."""
    scales = np.maximum(np.abs(piece).max(axis=1), np.finfo(np.float32).tiny) / INT8_LARGEST
    return np.rint(piece / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _product(writer: GraphWriter, x: str, weight: LargeMatrix, storage: Storage) -> str:
    """The matrix stands on the left, where ONNX Runtime takes it as it lies in the file, without a copy in another order."""
    columns = writer.add("Transpose", x, perm=[1, 0])  # K B
    if storage == "fp32":
        whole = writer.constant(weight.astype(np.float32, copy=False))
        return writer.add("Transpose", writer.add("MatMul", whole, columns), perm=[1, 0])
    parts = []
    for start, piece in _pieces(weight):
        bounds = [writer.constant([start]), writer.constant([start + piece.shape[1]]), writer.constant([0])]
        rows = writer.add("Slice", columns, *bounds)
        parts.append(writer.add("MatMul", _stored(writer, piece, storage, rows), rows))
    return writer.add("Transpose", writer.add("Sum", *parts), perm=[1, 0])


def _pieces(weight: LargeMatrix) -> Iterator[tuple[int, Matrix]]:
    for start in range(0, weight.shape[1], PIECE):
        yield start, weight[:, start : start + PIECE].astype(np.float32, copy=False)


def _stored(writer: GraphWriter, piece: Matrix, storage: Storage, rows: str) -> str:
    if storage == "int8":
        numbers, scales = quantised(piece)
        return writer.add("DequantizeLinear", writer.constant(numbers), writer.constant(scales), axis=0)
    # a shape that is only known while the graph runs keeps programs from turning the matrix into float32 when they load it
    shape = writer.add("Concat", writer.constant([len(piece)]), writer.add("Shape", rows, start=0, end=1), axis=0)
    halves = writer.add("Reshape", writer.constant(piece.astype(np.float16)), shape)
    return writer.add("Cast", halves, to=TensorProto.FLOAT)
