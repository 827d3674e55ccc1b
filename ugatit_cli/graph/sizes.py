"""Tensors that a small file may ask for: found by their sizes, before anybody makes room for them."""

from __future__ import annotations

import math

import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper

from ..errors import BadModelError, RefusedError
from .outline import LARGE
from .ports import Port, Shape
from .tensors import has_numbers, is_external, item_bytes, stored_bytes, tensors_of

MOST_BYTES = 4 << 30  # of one tensor; the full variant's large matrix has 1 GiB
MOST_WEIGHTS = 16 << 30  # bytes, of all together

_SIZED_BY_ALL = "ConstantOfShape NonZero Range"
_SIZED_BY_OTHERS = """AffineGrid CenterCropPad Col2Im Compress DFT Expand OneHot Pad ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Reshape Resize Slice Split Squeeze Tile TopK Unsqueeze Upsample"""
_FIRST_SIZE = {  # of the inputs of such an operator, that and all behind it tell how large its output becomes
    **dict.fromkeys(_SIZED_BY_ALL.split(), 0),
    **dict.fromkeys(_SIZED_BY_OTHERS.split(), 1),
    "MaxUnpool": 2,
}
_SIZE_ALONE = {"Shape", "Size"}  # operators that do not look at their input's values


def check_weights(graph: GraphProto) -> None:
    """Raises RefusedError for what is too large, BadModelError for what makes no sense."""
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    if graph.sparse_initializer or any(each.HasField("sparse_tensor") or each.sparse_tensors for each in attributes):
        raise BadModelError("it has sparse weights, which are not supported", name="model-sparse")
    total = 0
    for tensor in tensors_of(graph):
        size = stored_bytes(tensor)
        _check_size(size)
        _check_numbers(tensor, size)
        total += size
    if total > MOST_WEIGHTS:
        raise RefusedError(
            f"its weights would need {total >> 30:,} GiB of memory, too large for any model here",
            name="model-too-large",
        )


def _check_numbers(tensor: TensorProto, size: int) -> None:
    """As far as they are in the outline."""
    short = len(tensor.raw_data) != size if tensor.raw_data else size <= LARGE and not has_numbers(tensor)
    if short and not is_external(tensor):
        text = f"it is damaged: a tensor of {size:,} bytes has {len(tensor.raw_data):,}"
        raise BadModelError(text, hint="download or copy it again", name="model-damaged")


def check_sizes(graph: GraphProto) -> None:
    """`graph` is valid, its nodes in order.

    Raises:
        RefusedError: how large a tensor becomes follows from the values of the picture, which nobody knows beforehand.
    """
    weights = {tensor.name for tensor in graph.initializer}
    coloured = {value.name for value in graph.input} - weights  # what follows from the picture's values
    for node in graph.node:
        if not coloured.isdisjoint(node.input[_FIRST_SIZE.get(node.op_type, len(node.input)) :]):
            text = f"the size of what it makes by {node.op_type} depends on the picture's colours, and may be too large"
            raise RefusedError(text, name="model-too-large")
        if node.op_type not in _SIZE_ALONE and not coloured.isdisjoint(node.input):
            coloured.update(node.output)


def shapes_of_one_picture(model: ModelProto, given: Port, side: int) -> dict[str, Shape]:
    """Every tensor's shape, as far as it can be told, while one picture (or the batch that the graph insists on) goes through.

    `model` is valid, without weights, and is changed; `side` is the picture's where it may be any.

    Raises:
        RefusedError: a tensor would be too large.
    """
    sides = {"nchw": (1, 3, side, side), "nhwc": (1, side, side, 3)}[given.layout]
    real = tuple(own or free for own, free in zip(given.shape, sides, strict=True))
    for value in model.graph.input:
        if value.name == given.name:
            kind = value.type.tensor_type.elem_type
            value.CopyFrom(helper.make_tensor_value_info(given.name, kind, real))
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")  # what is said there is to be compared, not believed
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes: dict[str, Shape] = {}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape"):
            shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
            _check_size(math.prod(max(1, side or 1) for side in shape) * (item_bytes(tensor.elem_type) or 1))
            shapes[value.name] = shape
    return shapes


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        text = f"a tensor in it would need {size / 2**30:,.0f} GiB of memory, too large for any model here"
        raise RefusedError(text, name="model-too-large")
