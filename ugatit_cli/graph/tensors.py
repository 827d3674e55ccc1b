"""The tensors that a graph carries, and how much room their numbers take."""

from __future__ import annotations

import math
from collections.abc import Iterator

from onnx import GraphProto, TensorProto, helper

from ..errors import BadModelError

_FOUR_BITS = (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1)
_TWO_BITS = (TensorProto.INT2, TensorProto.UINT2)


def tensors_of(graph: GraphProto) -> Iterator[TensorProto]:
    """Initialisers, and what nodes carry."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def is_external(tensor: TensorProto) -> bool:
    """Whether a program may look for its numbers in another file."""
    return tensor.data_location == TensorProto.EXTERNAL or bool(tensor.external_data)


def has_numbers(tensor: TensorProto) -> bool:
    """Whether they stand here, and not in another file or, see `outline`, in a part that was left out."""
    if is_external(tensor):
        return False
    fields = (tensor.raw_data, tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data)
    return any(fields) or bool(tensor.uint64_data or tensor.string_data) or 0 in tensor.dims


def stored_bytes(tensor: TensorProto) -> int:
    """As its shape and type have it, whatever is there.

    Raises:
        BadModelError: a negative side, a type that does not exist, or texts.
    """
    if any(side < 0 for side in tensor.dims):
        raise BadModelError("it is damaged: a tensor has a negative side", name="model-damaged")
    count: int = math.prod(tensor.dims)
    return (count * _bits(tensor.data_type) + 7) // 8


def item_bytes(element: int) -> int | None:
    """Of one number in memory; None for types that have no numbers, or do not exist."""
    if element in (TensorProto.STRING, TensorProto.UNDEFINED):
        return None
    try:
        kind = helper.tensor_dtype_to_np_dtype(element)
    except KeyError:
        return None
    return kind.itemsize


def _bits(element: int) -> int:
    if element in _FOUR_BITS:
        return 4
    if element in _TWO_BITS:
        return 2
    size = item_bytes(element)
    if size is None:
        raise BadModelError(f"it holds a tensor of type {element}, which is no number", name="model-dtype")
    return 8 * size
