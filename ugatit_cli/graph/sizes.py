"""Tensors that a small file may ask for: found by their declared sizes, before anybody makes room for them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from ..errors import BadModelError, RefusedError
from .external_data import tensors_of

MOST_BYTES = 4 << 30  # of one tensor; the full variant's large matrix has 1 GiB
_SMALL = 64  # elements of a tensor that may be a shape
_FLOAT_BYTES = 4
_SHAPED_BY = {
    "ConstantOfShape": 0,
    "Expand": 1,
    "Resize": 3,
    "Upsample": 1,
}  # operator -> which input is the result's shape


def check_sizes(graph: GraphProto) -> None:
    """Raises RefusedError for what is too large, BadModelError for what does not fit its own description."""
    for tensor in tensors_of(graph):
        _check_tensor(tensor)
    small = {tensor.name: tensor for tensor in graph.initializer if math.prod(tensor.dims) <= _SMALL}
    small |= {
        node.output[0]: tensor for node in graph.node for tensor in _constant(node) if math.prod(tensor.dims) <= _SMALL
    }
    for node in graph.node:
        for count in _asked_for(node, small):
            _check_count(count, _FLOAT_BYTES)


def _check_tensor(tensor: TensorProto) -> None:
    if any(side < 0 for side in tensor.dims):
        raise BadModelError("it is damaged: a tensor has a negative side", name="model-damaged")
    if not tensor.data_type:
        return
    try:
        item = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except KeyError as error:
        raise BadModelError(f"it holds numbers of an unknown type, {tensor.data_type}", name="model-dtype") from error
    _check_count(math.prod(tensor.dims), item)


def _check_count(count: int, item: int) -> None:
    if count * item > MOST_BYTES:
        text = f"a tensor in it would need {count * item / 2**30:,.0f} GiB of memory, too large for any model here"
        raise RefusedError(text, name="model-too-large")


def _constant(node: NodeProto) -> Iterator[TensorProto]:
    if node.op_type == "Constant" and node.output:
        yield from (attribute.t for attribute in node.attribute if attribute.name == "value")


def _asked_for(node: NodeProto, small: dict[str, TensorProto]) -> Iterator[int]:
    position = _SHAPED_BY.get(node.op_type)
    if position is not None and len(node.input) > position and node.input[position] in small:
        tensor = small[node.input[position]]
        if tensor.data_type in (TensorProto.INT64, TensorProto.INT32) and not tensor.external_data:
            yield math.prod(max(1, int(side)) for side in numpy_helper.to_array(tensor).flat)
