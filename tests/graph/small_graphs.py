"""Graphs of one or two nodes, with everything that a stranger's graph may have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT = int(TensorProto.FLOAT)
Sides = Sequence[str | int]
FREE: Sides = ("n", 3, "h", "w")


def graph(
    nodes: list[NodeProto] | None = None,
    constants: dict[str, NDArray] | None = None,
    *,
    shape: Sides = FREE,
    out_shape: Sides | None = None,
    kind: int = FLOAT,
    opset: int = 17,
) -> ModelProto:
    """From `x` to `y`; without nodes, y = x."""
    given = helper.make_tensor_value_info("x", kind, shape)
    got = helper.make_tensor_value_info("y", kind, out_shape or shape)
    initializers = [numpy_helper.from_array(values, name) for name, values in (constants or {}).items()]
    body = helper.make_graph(nodes or [helper.make_node("Identity", ["x"], ["y"])], "g", [given], [got], initializers)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def inverted(shape: Sides = FREE) -> ModelProto:
    """y = -x: light becomes dark in the range from -1 to 1."""
    return graph([helper.make_node("Neg", ["x"], ["y"])], shape=shape)


def scaled(factor: float | NDArray, **others: object) -> ModelProto:
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    return graph(nodes, {"factor": np.asarray(factor, np.float32)}, **others)  # type: ignore[arg-type]


def saved(model: ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path
